import { expect, it } from 'vitest';
import { type ConsistencyOfImages, judgeClaims, overallVerdict } from './claims.js';
import { METHODS, type Method } from './methods.js';
import type { EvidenceRow } from './record.js';

const images = (mask: number, text: number, spread: number): ConsistencyOfImages => ({
  mask_accuracy: Float64Array.from({ length: 40 }, (_, i) => mask + spread * Math.sin(i)),
  text_consistency: Float64Array.from({ length: 40 }, (_, i) => text + spread * Math.cos(i)),
});
const of = <T>(value: (method: Method) => T) =>
  Object.fromEntries(METHODS.map((method) => [method, value(method)])) as Record<Method, T>;
/** As they are. */
const SCALE = { mask_accuracy: (value: number) => value, text_consistency: (value: number) => 2 * value };
const JUDGING = { scale: SCALE, seed: 1 };
const frechet = (values: Readonly<Record<Method, number>>): EvidenceRow[] =>
  METHODS.map((method) => ({
    method,
    metric: 'frechet',
    value: values[method],
    low: values[method] - 1,
    high: values[method] + 1,
    n: 40,
  }));

it('judges every statement by the paired interval, both ways', () => {
  const all = of(() => images(0.5, 0.5, 0.3));
  const found = judgeClaims(
    { ...all, collaborative: images(0.6, 0.4, 0.3), 'collaborative-generate': images(0.5, 0.5, 0.2) },
    frechet({ ...of(() => 10), collaborative: 20, 'collaborative-generate': 10.5 }),
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
  expect(overallVerdict(found, 'collaborative')).toBe('does not hold');
  expect(overallVerdict(found, 'collaborative-generate')).toBe('is not decided');
  const [first] = found.consistency;
  expect(first!.difference).toBeCloseTo(0.1, 12);
  expect(first!.n).toBe(40);
});

it('holds as a whole where every statement does', () => {
  const all = of((method) => (method.startsWith('collab') ? images(0.9, 0.9, 0.1) : images(0.8, 0.8, 0.1)));
  const found = judgeClaims(all, frechet({ ...of(() => 10), collaborative: 9, 'collaborative-generate': 10 }), JUDGING);
  expect(overallVerdict(found, 'collaborative')).toBe('holds');
  expect(overallVerdict(found, 'collaborative-generate')).toBe('holds');
});
