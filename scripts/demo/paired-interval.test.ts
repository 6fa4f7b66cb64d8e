import { expect, it } from 'vitest';
import { pairedInterval } from './paired-interval.js';

it('is what a table of t gives', () => {
  // Differences 1..10: mean 5.5, standard deviation 3.02765; t(0.975, 9) = 2.262157.
  const a = Array.from({ length: 10 }, (_, i) => i + 1);
  const { mean, low, high, n } = pairedInterval(
    a,
    a.map(() => 0),
  );
  expect([mean, n]).toEqual([5.5, 10]);
  expect(high - mean).toBeCloseTo((2.262157 * 3.0276504) / Math.sqrt(10), 3);
  expect(mean - low).toBeCloseTo(high - mean, 12);
});

it('leaves out what the two have in common', () => {
  const common = Array.from({ length: 200 }, (_, i) => 100 * Math.sin(i));
  const better = common.map((value, i) => value - 0.1 + 0.01 * Math.cos(7 * i));
  const { low, high } = pairedInterval(common, better);
  expect(low).toBeGreaterThan(0.09);
  expect(high).toBeLessThan(0.11);
});

/** Normal numbers (Box and Muller) from a multiplicative generator (Park and Miller). */
function normals(count: number): number[] {
  let state = 1;
  const uniform = (): number => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
  return Array.from({ length: count }, () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
}

it('holds the true mean in about 95 of 100 cases', () => {
  const normal = normals(400 * 20);
  const covered = Array.from({ length: 400 }, (_, row) => {
    const values = normal.slice(20 * row, 20 * row + 20);
    const { low, high } = pairedInterval(
      values,
      values.map(() => 0),
    );
    return low < 0 && high > 0;
  }).filter(Boolean).length;
  expect(covered / 400).toBeGreaterThan(0.92);
  expect(covered / 400).toBeLessThan(0.98);
});

it('refuses what is not paired, and too few', () => {
  expect(() => pairedInterval([1, 2], [1])).toThrow('2 values beside 1');
  expect(() => pairedInterval([1, 2], [1, 2])).toThrow('at least 10');
});
