import type { BackendValues } from '@tensorflow/tfjs-core';
import { EngineError } from '../errors.js';
import { DataType, dataTypeName } from './data-type.js';
import { type Native, type Pointer, readMemory, writeMemory } from './native.js';

/** Bytes of one `TF_TString`, TensorFlow's string element. */
const TSTRING_BYTES = 24;

/** Allocate a `TF_Tensor` and fill it. Strings come as UTF-8 bytes, one array each. */
export function newTensor(native: Native, shape: readonly number[], dtype: number, values: BackendValues): Pointer {
  if (dtype === DataType.string) return newStringTensor(native, shape, values as Uint8Array[]);
  const bytes = bytesOf(dtype, values as ArrayLike<number>);
  const tensor = native.TF_AllocateTensor!(dtype, shape, shape.length, bytes.byteLength) as Pointer | null;
  const data = tensor === null ? null : (native.TF_TensorData!(tensor) as Pointer | null);
  if (tensor === null || (data === null && bytes.byteLength > 0))
    throw new EngineError(
      `upload of [${shape.join(',')}] ${dataTypeName(dtype)} (${(bytes.byteLength / 2 ** 20).toFixed(1)} MiB): memory ran out; free tensors or raise memoryLimitMiB`,
      { code: 'resource-exhausted' },
    );
  if (data !== null) writeMemory(data, bytes);
  return tensor;
}

/** tfjs mostly hands over typed arrays, but plain ones from some of its own operations. */
function bytesOf(dtype: number, values: ArrayLike<number>): Uint8Array {
  if (ArrayBuffer.isView(values)) return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (dtype === DataType.int32) return new Uint8Array(Int32Array.from(values).buffer);
  return dtype === DataType.bool ? Uint8Array.from(values) : new Uint8Array(Float32Array.from(values).buffer);
}

function newStringTensor(native: Native, shape: readonly number[], values: readonly Uint8Array[]): Pointer {
  const tensor = native.TF_AllocateTensor!(
    DataType.string,
    shape,
    shape.length,
    values.length * TSTRING_BYTES,
  ) as Pointer;
  const data = BigInt(native.TF_TensorData!(tensor) as Pointer);
  values.forEach((bytes, i) => {
    const element = data + BigInt(i * TSTRING_BYTES);
    native.TF_StringInit!(element);
    native.TF_StringCopy!(element, bytes, bytes.length);
  });
  return tensor;
}

/** The values of a `TF_Tensor` as tfjs wants them: wider integers narrow to int32, doubles to float32. */
export function readTensor(native: Native, tensor: Pointer, dtype: number): BackendValues {
  const length = Number(native.TF_TensorByteSize!(tensor));
  const address = native.TF_TensorData!(tensor) as Pointer;
  if (dtype === DataType.string) {
    return Array.from({ length: length / TSTRING_BYTES }, (_, i) => {
      const element = BigInt(address) + BigInt(i * TSTRING_BYTES);
      return readMemory(native.TF_StringGetDataPointer!(element) as Pointer, Number(native.TF_StringGetSize!(element)));
    });
  }
  const { buffer } = readMemory(address, length);
  switch (dtype) {
    case DataType.float:
    case DataType.complex64:
      return new Float32Array(buffer);
    case DataType.int32:
      return new Int32Array(buffer);
    case DataType.bool:
    case DataType.uint8:
      return new Uint8Array(buffer);
    case DataType.int64:
      return Int32Array.from(new BigInt64Array(buffer), (value) => {
        if (BigInt.asIntN(32, value) !== value)
          throw new EngineError(`reading an int64 tensor: ${value} does not fit tfjs's int32`, {
            code: 'out-of-range',
          });
        return Number(value);
      });
    case DataType.uint32:
      return Int32Array.from(new Uint32Array(buffer));
    case DataType.double:
      return Float32Array.from(new Float64Array(buffer));
    default:
      throw new EngineError(`reading a tensor of ${dataTypeName(dtype)}: tfjs has no such type`, { code: 'usage' });
  }
}
