import { describe, expect, it } from 'vitest';
import { buckets } from './buckets.js';

const MIB = 2 ** 20;
const float = (size: number) => ({ size, dtype: 'float32' });

describe('buckets', () => {
  it('puts small tensors together, and leaves large ones alone', () => {
    expect(buckets([float(10), float(3 * MIB), float(20)])).toEqual([[0, 2], [1]]);
  });

  it('closes a bucket that is full, and opens another', () => {
    const half = float(MIB / 2);
    expect(buckets([half, half, half, float(1)])).toEqual([
      [0, 1],
      [2, 3],
    ]);
  });

  it('keeps types apart', () => {
    expect(buckets([float(1), { size: 1, dtype: 'int32' }, float(1), { size: 1, dtype: 'int32' }])).toEqual([
      [0, 2],
      [1, 3],
    ]);
  });

  it('has nothing for nothing', () => {
    expect(buckets([])).toEqual([]);
  });
});
