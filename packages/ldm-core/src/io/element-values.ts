import type { DType } from './dtype.js';
import { bfloat16ToFloat32, float32ToBfloat16, float32ToHalf, halfToFloat32 } from './half.js';

/** Typed views that element types have in JavaScript; halves have none and appear as their bits. */
type Elements =
  | Float64Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | BigUint64Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

/** The bytes as elements. @param bytes at an offset that the element type allows */
function view(dtype: DType, { buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>): Elements {
  switch (dtype) {
    case 'float64':
      return new Float64Array(buffer, byteOffset, byteLength / 8);
    case 'float32':
      return new Float32Array(buffer, byteOffset, byteLength / 4);
    case 'int64':
      return new BigInt64Array(buffer, byteOffset, byteLength / 8);
    case 'uint64':
      return new BigUint64Array(buffer, byteOffset, byteLength / 8);
    case 'int32':
      return new Int32Array(buffer, byteOffset, byteLength / 4);
    case 'uint32':
      return new Uint32Array(buffer, byteOffset, byteLength / 4);
    case 'int16':
      return new Int16Array(buffer, byteOffset, byteLength / 2);
    case 'float16':
    case 'bfloat16':
    case 'uint16':
      return new Uint16Array(buffer, byteOffset, byteLength / 2);
    case 'int8':
      return new Int8Array(buffer, byteOffset, byteLength);
    case 'uint8':
    case 'bool':
      return new Uint8Array(buffer, byteOffset, byteLength);
  }
}

/**
 * Elements as float32. Halves are exact, float64 and large integers are rounded to nearest.
 * @param bytes little-endian elements, as `Checkpoint.readBytes` returns them
 * @returns for float32 a view of `bytes`, else a new array
 */
export function float32Values(dtype: DType, bytes: Uint8Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  const elements = view(dtype, bytes);
  if (elements instanceof Float32Array) return elements;
  const values = new Float32Array(elements.length);
  if (dtype === 'float16' && elements instanceof Uint16Array) halfToFloat32(elements, values);
  else if (dtype === 'bfloat16' && elements instanceof Uint16Array) bfloat16ToFloat32(elements, values);
  else if (elements instanceof BigInt64Array || elements instanceof BigUint64Array) {
    for (let i = 0; i < values.length; i++) values[i] = Number(elements[i]!);
  } else values.set(elements);
  return values;
}

/**
 * Elements of an integer type or bool as int32.
 * @returns for int32 a view of `bytes`, else a new array; undefined if a value does not fit
 */
export function int32Values(dtype: DType, bytes: Uint8Array<ArrayBuffer>): Int32Array<ArrayBuffer> | undefined {
  const elements = view(dtype, bytes);
  if (elements instanceof Int32Array) return elements;
  const values = new Int32Array(elements.length);
  for (let i = 0; i < values.length; i++) {
    const value = Number(elements[i]!);
    values[i] = value;
    if (values[i] !== value) return undefined;
  }
  return values;
}

/**
 * Values as elements of a file's type: halves to nearest even, integers truncated.
 * @returns bytes that share memory with `values` where the types agree
 */
export function encodeValues(dtype: DType, values: Float32Array | Int32Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = values;
  const same =
    (dtype === 'float32' && values instanceof Float32Array) || (dtype === 'int32' && values instanceof Int32Array);
  if (same && buffer instanceof ArrayBuffer) return new Uint8Array(buffer, byteOffset, byteLength);
  switch (dtype) {
    case 'float16':
    case 'bfloat16': {
      const output = new Uint16Array(values.length);
      const floats = values instanceof Float32Array ? values : Float32Array.from(values);
      if (dtype === 'float16') float32ToHalf(floats, output);
      else float32ToBfloat16(floats, output);
      return new Uint8Array(output.buffer);
    }
    case 'float32':
      return new Uint8Array(Float32Array.from(values).buffer);
    case 'float64':
      return new Uint8Array(Float64Array.from(values).buffer);
    case 'int64':
      return new Uint8Array(BigInt64Array.from(values, (value) => BigInt(Math.trunc(value))).buffer);
    case 'uint64':
      return new Uint8Array(BigUint64Array.from(values, (value) => BigInt(Math.trunc(value))).buffer);
    case 'int32':
      return new Uint8Array(Int32Array.from(values).buffer);
    case 'uint32':
      return new Uint8Array(Uint32Array.from(values).buffer);
    case 'int16':
      return new Uint8Array(Int16Array.from(values).buffer);
    case 'uint16':
      return new Uint8Array(Uint16Array.from(values).buffer);
    case 'int8':
      return new Uint8Array(Int8Array.from(values).buffer);
    case 'uint8':
      return new Uint8Array(Uint8Array.from(values).buffer);
    case 'bool':
      return new Uint8Array(Uint8Array.from(values, (value) => (value === 0 ? 0 : 1)).buffer);
  }
}

/** How many values are NaN or infinite. */
export function countNonFinite(values: Float32Array): number {
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  // Adding one to an exponent of all ones carries into the sign bit. Blocks are tested by one comparison: a billion weights
  // pass here, and hardly ever one that is not finite.
  let count = 0;
  for (let start = 0; start < bits.length; start += 64) {
    const end = Math.min(start + 64, bits.length);
    let carried = 0;
    for (let i = start; i < end; i++) carried |= (bits[i]! & 0x7f800000) + 0x00800000;
    if (carried < 0) for (let i = start; i < end; i++) if ((bits[i]! & 0x7f800000) === 0x7f800000) count++;
  }
  return count;
}
