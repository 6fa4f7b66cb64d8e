import type { Resampled } from '@codiff/ldm-core';
import { expect, it } from 'vitest';
import { type ConsistencyOfImages, judgeClaims, overallVerdict } from './claims.js';
import { METHODS, type Method } from './methods.js';

const images = (mask: number, text: number, spread: number): ConsistencyOfImages => ({
  mask_accuracy: Float64Array.from({ length: 40 }, (_, i) => mask + spread * Math.sin(i)),
  text_consistency: Float64Array.from({ length: 40 }, (_, i) => text + spread * Math.cos(i)),
});
const of = <T>(value: (method: Method) => T) =>
  Object.fromEntries(METHODS.map((method) => [method, value(method)])) as Record<Method, T>;
/** As they are. */
const SCALE = { mask_accuracy: (value: number) => value, text_consistency: (value: number) => 2 * value };
const JUDGING = { scale: SCALE, seed: 1 };
/** Distances whose resamples scatter by 3 together, and by `own` each for itself. */
const frechet = (values: Readonly<Record<Method, number>>, own: number): Record<Method, Resampled> =>
  of((method) => ({
    value: values[method],
    n: 40,
    values: Float64Array.from(
      { length: 200 },
      (_, i) => values[method] + 3 * Math.sin(i) + own * Math.cos(i * (2 + METHODS.indexOf(method))),
    ),
  }));

it('judges every statement by the paired interval, both ways', () => {
  const all = of(() => images(0.5, 0.5, 0.3));
  const found = judgeClaims(
    { ...all, collaborative: images(0.6, 0.4, 0.3), 'collaborative-generate': images(0.5, 0.5, 0.2) },
    frechet({ ...of(() => 10), collaborative: 11, 'collaborative-generate': 10.2 }, 0.3),
    JUDGING,
  );
  const verdicts = (method: Method, metric: string) =>
    found.consistency
      .filter((claim) => claim.method === method && claim.metric === metric)
      .map(({ verdict }) => verdict);
  expect(verdicts('collaborative', 'mask_accuracy')).toEqual(['holds', 'holds', 'holds']);
  expect(verdicts('collaborative', 'text_consistency')).toEqual(Array(3).fill('does not hold'));
  expect(verdicts('collaborative-generate', 'mask_accuracy')).toEqual(Array(3).fill('is not decided'));
  // Both on one scale: what the mask gains is half of what the text loses.
  expect(verdicts('collaborative', 'both')).toEqual(Array(3).fill('does not hold'));
  const both = found.consistency.find(({ method, metric }) => method === 'collaborative' && metric === 'both')!;
  expect(both.difference).toBeCloseTo((0.1 - 0.2) / 2, 12);
  expect(found.quality.map(({ verdict }) => verdict)).toEqual([
    ...Array<string>(3).fill('does not hold'),
    ...Array<string>(3).fill('is not decided'),
  ]);
  // Each distance scatters by 3 and more; over the same pairs a difference of 1 is seen all the same.
  const [lost] = found.quality;
  expect(lost!.difference).toBeCloseTo(1, 12);
  expect(lost!.low).toBeGreaterThan(0);
  expect(lost!.high).toBeLessThan(2);
  expect(lost!.n).toBe(40);
  expect(overallVerdict(found, 'collaborative')).toBe('does not hold');
  expect(overallVerdict(found, 'collaborative-generate')).toBe('is not decided');
  const [first] = found.consistency;
  expect(first!.difference).toBeCloseTo(0.1, 12);
  expect(first!.n).toBe(40);
});

it('holds as a whole where every statement does', () => {
  const all = of((method) => (method.startsWith('collab') ? images(0.9, 0.9, 0.1) : images(0.8, 0.8, 0.1)));
  const found = judgeClaims(
    all,
    frechet({ ...of(() => 10), collaborative: 9, 'collaborative-generate': 10 }, 0),
    JUDGING,
  );
  // Of equal distances all differences are 0: nothing is lost.
  expect(found.quality.at(-1)).toMatchObject({ difference: 0, high: 0, verdict: 'holds' });
  expect(overallVerdict(found, 'collaborative')).toBe('holds');
  expect(overallVerdict(found, 'collaborative-generate')).toBe('holds');
});
