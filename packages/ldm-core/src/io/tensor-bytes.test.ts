import { expect, it } from 'vitest';
import { type ByteSource, bytesSource } from './byte-source.js';
import { type DType, dtypeBytes } from './dtype.js';
import { Storage, StoredTensor } from './stored-tensor.js';
import { readTensorBytes } from './tensor-bytes.js';

/** The elements one by one, by definition of strides. */
function naive(file: Uint8Array, { dtype, shape, strides, offset, numel }: StoredTensor, start: number): Uint8Array {
  const width = dtypeBytes(dtype);
  const output = new Uint8Array(numel * width);
  for (let n = 0; n < numel; n++) {
    let index = offset;
    let rest = n;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index += (rest % shape[axis]!) * strides[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    output.set(file.subarray(start + index * width, start + (index + 1) * width), n * width);
  }
  return output;
}

function tensorAt(
  start: number,
  dtype: DType,
  shape: number[],
  strides: number[],
  offset: number,
  size: number,
): StoredTensor {
  const storage = new Storage('s', size);
  storage.locate = async () => start;
  return new StoredTensor(dtype, shape, strides, offset, storage);
}

it.each<[string, DType, number[], number[], number]>([
  ['contiguous', 'float32', [4, 6], [6, 1], 0],
  ['transposed', 'float32', [6, 4], [1, 6], 0],
  ['strided from an offset', 'int16', [2, 3], [12, 2], 1],
  ['expanded', 'float64', [3, 5], [1, 0], 2],
  ['reversed axes of rank 4', 'uint8', [2, 3, 4, 5], [1, 2, 6, 24], 0],
  ['a scalar', 'float32', [], [], 3],
  ['overlapping windows', 'float32', [5, 3], [1, 1], 0],
  ['sizes of one with odd strides', 'float32', [1, 4, 1], [99, 1, 7], 0],
])('reads a tensor that is %s', async (_, dtype, shape, strides, offset) => {
  const file = Uint8Array.from({ length: 1003 }, (_, i) => (i * 31 + 7) & 255);
  const tensor = tensorAt(3, dtype, shape, strides, offset, 1000);
  const target = new Uint8Array(tensor.byteLength);
  await readTensorBytes(bytesSource('file', file), tensor, 'key', target);
  expect(target).toEqual(naive(file, tensor, 3));
});

it('reads tensors that span more than the window in pieces', async () => {
  let largest = 0;
  const byteAt = (position: number) => (position ^ (position >>> 9) ^ (position >>> 18)) & 255;
  const source: ByteSource = {
    name: 'virtual',
    size: 100_000_000,
    async readInto(target, offset) {
      largest = Math.max(largest, target.length);
      for (let i = 0; i < target.length; i++) target[i] = byteAt(offset + i);
    },
  };
  // Columns of a 6000 x 4000 matrix of float32, 96 MB, of which every 40th row and column is wanted.
  const tensor = tensorAt(16, 'float32', [100, 150], [40, 40 * 4000], 5, 96_000_000);
  const target = new Uint8Array(tensor.byteLength);
  await readTensorBytes(source, tensor, 'key', target);
  expect(largest).toBeLessThanOrEqual(16 * 2 ** 20);
  const wrong: number[] = [];
  for (let n = 0; n < tensor.numel; n++) {
    const index = 5 + Math.floor(n / 150) * 40 + (n % 150) * 40 * 4000;
    for (let b = 0; b < 4; b++) if (target[4 * n + b] !== byteAt(16 + 4 * index + b)) wrong.push(n);
  }
  expect(wrong).toEqual([]);
});

it('refuses a storage that runs past the file', async () => {
  const tensor = tensorAt(10, 'float32', [4], [1], 0, 16);
  const read = readTensorBytes(bytesSource('file', new Uint8Array(20)), tensor, 'key', new Uint8Array(16));
  await expect(read).rejects.toThrow("file: 'key': its storage of 16 bytes runs past the file's end at 20");
});
