import { writeFile } from 'node:fs/promises';
import {
  BufferSink,
  type DType,
  float32Values,
  int32Values,
  isFloating,
  TensorToWrite,
  writeTorchZip,
} from '@codiff/ldm-core';
import { nodeCrc32, openCheckpointFile } from '@codiff/ldm-core/node';
import { DataError, LIST_BAD, messageOf } from './data-error.js';

/** A tensor that a file held: integers stay integers. */
export interface FileTensor {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly values: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;
}

/**
 * Read a file that `torch.save(tensor, path)` wrote.
 * @throws DataError naming the file, also where it is damaged
 */
export async function readTensorFile(path: string): Promise<FileTensor> {
  try {
    const file = await openCheckpointFile(path);
    try {
      const [first, ...more] = file.tensors;
      if (first === undefined || more.length > 0 || first[0] !== '') {
        throw new Error(`${file.tensors.size} named tensors instead of one alone`);
      }
      const [key, { shape, dtype }] = first;
      const bytes = await file.readBytes(key);
      const values = isFloating(dtype) ? float32Values(dtype, bytes) : int32Values(dtype, bytes);
      if (values === undefined) throw new Error('integers beyond 32 bits');
      return { shape, dtype, values };
    } finally {
      await file.close();
    }
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    const problem = missing ? 'no such tensor file' : `is no tensor that PyTorch saved (${messageOf(cause)})`;
    throw new DataError({ file: path, problem, advice: LIST_BAD }, { cause });
  }
}

/** Write one tensor as `torch.save(tensor, path)` does. @param bytes little-endian, row-major */
export async function writeTensorFile(
  path: string,
  dtype: DType,
  shape: readonly number[],
  bytes: Uint8Array,
): Promise<void> {
  const sink = new BufferSink();
  await writeTorchZip(sink, new TensorToWrite(dtype, shape, () => Promise.resolve(bytes)), nodeCrc32);
  await writeFile(path, sink.bytes());
}
