import { describe, expect, it } from 'vitest';
import { Philox } from '../nn/philox.js';
import { resample, resampledDifference } from './bootstrap.js';
import { type Features, featuresOf, pickRows } from './features.js';
import { frechetDistance, frechetInterval, frechetResampled, frechetWarning } from './frechet.js';

/** Normal draws by column: mean and standard deviation. */
function draws(n: number, columns: readonly (readonly [number, number])[], seed: number): Features {
  const width = columns.length;
  const values = new Float32Array(n * width);
  new Philox(seed, 1).normal(values, 0, 1);
  return { values: values.map((value, at) => columns[at % width]![0] + columns[at % width]![1] * value), n, width };
}

describe('frechetDistance', () => {
  it('is 0 of a set and itself, with fewer images than features and with more', () => {
    for (const n of [6, 40]) {
      const set = draws(
        n,
        Array.from({ length: 12 }, (_, i) => [i, 1 + i / 4] as const),
        1,
      );
      expect(frechetDistance(set, set)).toBeLessThan(1e-9);
    }
  });

  it('is what the formula gives where covariances are diagonal', () => {
    // Rows at plus and minus the deviation of one column at a time: exact moments.
    const cross = (deviations: readonly number[], shift: number) =>
      featuresOf(
        deviations.flatMap((deviation, at) =>
          [1, -1].map((sign) => deviations.map((_, k) => shift + (k === at ? sign * deviation : 0))),
        ),
      );
    const [a, b] = [
      [1, 2, 3],
      [2, 2, 5],
    ];
    const variance = (deviation: number) => (2 * deviation ** 2) / 5;
    const expected =
      3 * 0.5 ** 2 + a.reduce((sum, s, i) => sum + (Math.sqrt(variance(s)) - Math.sqrt(variance(b[i]!))) ** 2, 0);
    expect(frechetDistance(cross(a, 0.5), cross(b, 0))).toBeCloseTo(expected, 10);
  });

  it('is the same by images as by features: more columns than rows, and columns of zeros beside', () => {
    const [a, b] = [
      draws(
        9,
        [
          [0, 1],
          [1, 2],
          [0, 3],
        ],
        2,
      ),
      draws(
        7,
        [
          [1, 1],
          [0, 1],
          [0, 2],
        ],
        3,
      ),
    ];
    const widened = ({ values, n, width }: Features): Features =>
      featuresOf(
        Array.from({ length: n }, (_, i) => [
          ...values.subarray(i * width, (i + 1) * width),
          ...new Array<number>(20).fill(0),
        ]),
      );
    expect(frechetDistance(widened(a), widened(b))).toBeCloseTo(frechetDistance(a, b), 9);
    expect(frechetDistance(b, a)).toBeCloseTo(frechetDistance(a, b), 9);
  });

  it('refuses one image, and features of another width', () => {
    const set = draws(
      5,
      [
        [0, 1],
        [0, 1],
      ],
      4,
    );
    expect(() =>
      frechetDistance(
        draws(
          1,
          [
            [0, 1],
            [0, 1],
          ],
          5,
        ),
        set,
      ),
    ).toThrow('too few images: 1');
    expect(() => frechetDistance(draws(5, [[0, 1]], 5), set)).toThrow('width 1 beside 2');
  });
});

describe('frechetInterval', () => {
  it('holds the distance, and narrows with more images', () => {
    const columns = [
      [0, 1],
      [0, 2],
      [1, 1],
    ] as const;
    const reference = draws(400, columns, 6);
    const of = (n: number) => frechetInterval(draws(n, columns, 7), reference);
    const [few, many] = [of(20), of(320)];
    expect(few.value).toBe(frechetDistance(draws(20, columns, 7), reference));
    expect(few.low).toBeLessThanOrEqual(few.value);
    expect(few.high - few.value).toBeGreaterThan(2 * (many.high - many.value));
  });

  it('is as wide as fresh draws scatter, with fewer images than features and with more', () => {
    const wide = Array.from({ length: 60 }, (_, i) => [i % 3, 1 + (i % 5)] as const);
    const narrow = [
      [0, 1],
      [0, 2],
      [1, 1],
    ] as const;
    for (const [n, columns] of [
      [300, narrow],
      [40, wide],
    ] as const) {
      const reference = draws(
        400,
        columns.map(([mean, deviation]) => [mean + 0.5, deviation] as const),
        9,
      );
      const found = Array.from({ length: 30 }, (_, i) => frechetInterval(draws(n, columns, 100 + i), reference));
      const mean = found.reduce((sum, { value }) => sum + value, 0) / found.length;
      const scatter = Math.sqrt(found.reduce((sum, { value }) => sum + (value - mean) ** 2, 0) / (found.length - 1));
      const told = found.reduce((sum, { high, value }) => sum + (high - value) / 1.96, 0) / found.length;
      expect(told / scatter).toBeGreaterThan(0.7);
      expect(told / scatter).toBeLessThan(1.6);
    }
  });
});

describe('frechetResampled', () => {
  const columns = Array.from({ length: 8 }, (_, i) => [i % 3, 1 + (i % 4)] as const);
  const reference = draws(300, columns, 21);
  const random = (seed: number) => {
    const uniform = new Float32Array(200 * 100);
    new Philox(seed, 5).uniform(uniform, 0, 1);
    let at = 0;
    return () => uniform[at++ % uniform.length]!;
  };

  it('is the distance of every sample that is drawn again', () => {
    for (const n of [6, 40]) {
      const set = draws(n, columns, 22);
      const found = frechetResampled(set, reference, { resamples: 4, random: random(1) });
      const wanted = resample(n, { resamples: 4, random: random(1) }, (rows) =>
        frechetDistance(pickRows(set, rows), reference),
      );
      expect(found.value).toBeCloseTo(frechetDistance(set, reference), 9);
      for (const [i, value] of found.values.entries()) expect(value).toBeCloseTo(wanted[i]!, 9);
    }
  });

  it('tells the difference of two methods, as wide as fresh pairs scatter', () => {
    // Images of a pair have most of their features in common; the second method is a little farther off.
    const pairsOf = (seed: number) => {
      const common = draws(100, columns, seed);
      const own = draws(100, columns, seed + 1000);
      const mixed = (share: number, shift: number): Features => ({
        ...common,
        values: common.values.map((value, i) => (1 - share) * value + share * own.values[i]! + shift) as Float32Array,
      });
      return [mixed(0.1, 0.4), mixed(0.2, 0.5)] as const;
    };
    const found = Array.from({ length: 30 }, (_, i) => {
      const [a, b] = pairsOf(30 + i);
      const [first, second] = [a, b].map((set) =>
        frechetResampled(set, reference, { resamples: 100, random: random(2) }),
      );
      const apart = [a, b].map((set) => frechetInterval(set, reference));
      return { ...resampledDifference(first!, second!), apart };
    });
    const mean = found.reduce((sum, { value }) => sum + value, 0) / found.length;
    const scatter = Math.sqrt(found.reduce((sum, { value }) => sum + (value - mean) ** 2, 0) / (found.length - 1));
    const told = found.reduce((sum, { low, high }) => sum + (high - low) / (2 * 1.96), 0) / found.length;
    expect(mean).toBeLessThan(0);
    expect(told / scatter).toBeGreaterThan(0.7);
    expect(told / scatter).toBeLessThan(1.5);
    // Most intervals hold what all fresh pairs give on average.
    const holding = found.filter(({ low, high }) => low <= mean && mean <= high).length;
    expect(holding).toBeGreaterThan(24);
    // By the intervals of each method alone nothing could be told.
    for (const { apart, low, high } of found) {
      expect(high - low).toBeLessThan(apart[0]!.high - apart[0]!.low);
    }
  });
});

it('frechetWarning tells of few images, and is silent about many', () => {
  expect(frechetWarning(50, 2048)).toContain('needs more than 2048 images');
  expect(frechetWarning(3000, 2048)).toContain('compares only with other distances of 3000 images');
  expect(frechetWarning(3000, 128)).toBeUndefined();
  expect(frechetWarning(3000, 128, 1000)).toMatch(
    /^Frechet distance of 3000 images to 1000 real ones: it is biased .* of 3000 images against/,
  );
  expect(frechetWarning(3000, 128, 100)).toContain('needs more than 128 images');
});
