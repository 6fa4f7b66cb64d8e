import { describe, expect, it } from 'vitest';
import { fitsPool } from './pool-model.js';

const MIB = 2 ** 20;
/** In MiB; a negative number gives back the taking of that number. */
const fits = (sizes: number[], pool: number): boolean =>
  fitsPool(
    sizes.map((size) => (size < 0 ? size : size * MIB)),
    pool * MIB,
  );

describe('fitsPool', () => {
  it('uses again what was given back, and joins neighbours', () => {
    expect(fits([10, 10, -1, -2, 20], 20)).toBe(true);
    expect(fits([10, 10, -2, -1, 20], 20)).toBe(true);
    expect(fits([5, 5, 10, -1, -3, -2, 20], 20)).toBe(true);
    expect(fits([10, 10, 1], 20)).toBe(false);
  });

  it('has no room for a large one between two that stay', () => {
    expect(fits([5, 5, 5, 5, -1, -3, 8], 20)).toBe(false);
    expect(fits([5, 5, 5, 5, -1, -3, 5, 5], 20)).toBe(true);
  });

  it('gives a piece away whole if less than half of it would remain', () => {
    expect(fits([36, 10], 66)).toBe(false);
    expect(fits([33, 10], 66)).toBe(true);
    // 128 MiB are never wasted.
    expect(fits([200, 130], 330)).toBe(true);
  });

  it('leaves small ones to the system', () => {
    expect(fits([20, 0.2, 0.1, -2, -3], 20)).toBe(true);
  });
});
