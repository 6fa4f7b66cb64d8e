import { useEngine } from '@codiff/engine';
import { beforeAll, describe, expect, it } from 'vitest';
import { weightStorage } from './weight-storage.js';

beforeAll(async () => {
  await useEngine({ device: 'cpu' });
});

const values = Float32Array.of(1, 1 + 2 ** -12, 3, 4);
const linear = { shape: [2, 2], dtype: 'float32', factor: true } as const;
const table = { shape: [2, 2], dtype: 'float32' } as const;

describe('weightStorage', () => {
  it.each([
    ['float32', linear, 16, values],
    ['bfloat16', linear, 8, Float32Array.of(1, 1, 3, 4)],
    ['float16', linear, 8, Float32Array.of(1, 1, 3, 4)],
    ['bfloat16', table, 16, values],
  ] as const)('%s', async (precision, spec, bytes, wanted) => {
    const { upload, bytesOf } = weightStorage(precision);
    expect(bytesOf(spec)).toBe(bytes);
    const tensor = upload(values, spec);
    expect([tensor.shape, tensor.dtype]).toEqual([[2, 2], 'float32']);
    expect(await tensor.data()).toEqual(wanted);
    tensor.dispose();
  });
});
