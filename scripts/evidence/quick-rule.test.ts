import { describe, expect, it } from 'vitest';
import { METHODS, type Method } from './methods.js';
import { quickFindings, widenedInterval } from './quick-rule.js';
import type { EvidenceRow, Metric } from './record.js';
import type { SmallSampleBias } from './small-sample-bias.js';

const row = (
  metric: Metric,
  value: number,
  half: number,
  n: number,
  method: Method = 'collaborative',
): EvidenceRow => ({
  method,
  metric,
  value,
  low: value - half,
  high: value + half,
  n,
});
const small = (bias: number, scatter = 0) => ({ bias, scatter });
const NONE = { frechet: small(0), mask_miou: small(0) };
const bias = (value: SmallSampleBias) =>
  Object.fromEntries(METHODS.map((method) => [method, value])) as Record<Method, SmallSampleBias>;
const full = (rows: readonly EvidenceRow[], moved: SmallSampleBias = NONE) => ({
  rows,
  quick: { pairs: 25, twice: 10, bias: bias(moved) },
});

describe('the rule of the quick run', () => {
  it('widens an interval by the root of the images, twice', () => {
    const { low, high } = widenedInterval(row('diversity', 10, 1, 400), 25, NONE);
    expect([low, high]).toEqual([2, 18]);
    expect(widenedInterval(row('diversity', 10, 1, 400), 800, NONE)).toEqual({ low: 8, high: 12 });
  });

  it('keeps the two sides of an interval apart', () => {
    const skewed = { ...row('kid', 0.5, 0.1, 100), low: 0.48 };
    const { low, high } = widenedInterval(skewed, 100, NONE);
    expect(low).toBeCloseTo(0.46, 12);
    expect(high).toBeCloseTo(0.7, 12);
  });

  it('does not take a share without exceptions for a certainty', () => {
    const { low, high } = widenedInterval(row('text_consistency', 1, 0, 300), 300, NONE);
    expect([low, high]).toEqual([0.98, 1.02]);
  });

  it('expects a Frechet distance of few images higher by what the full run has measured', () => {
    const wanted = row('frechet', 10, 1, 100);
    expect(widenedInterval(wanted, 100, { frechet: small(5), mask_miou: small(1) })).toEqual({ low: 13, high: 17 });
    const few = (value: number) =>
      quickFindings([row('frechet', value, 0, 100)], full([wanted], { frechet: small(5), mask_miou: small(1) }));
    expect(few(15)[0]!.ok).toBe(true);
    expect(few(10)[0]!.ok).toBe(false);
  });

  it('widens it by what few images were seen to scatter, where that is more', () => {
    const wanted = row('frechet', 10, 1, 100);
    const scattered = (scatter: number) =>
      widenedInterval(wanted, 100, { frechet: small(5, scatter), mask_miou: small(0) });
    expect(scattered(0.25)).toEqual({ low: 13, high: 17 });
    expect(scattered(2)).toEqual({ low: 7, high: 23 });
  });

  it('passes values within, fails one beyond, whatever the order of methods', () => {
    const table = [row('mask_accuracy', 0.9, 0.01, 500, 'mask-only'), row('mask_accuracy', 0.91, 0.01, 500)];
    const quick = (mask: number, both: number) =>
      quickFindings(
        [row('mask_accuracy', mask, 0.2, 20, 'mask-only'), row('mask_accuracy', both, 0.2, 20)],
        full(table),
      );
    expect(quick(0.9, 0.91).every(({ ok }) => ok)).toBe(true);
    expect(quick(0.95, 0.85).every(({ ok }) => ok)).toBe(true);
    expect(quick(0.9, 0.8).map(({ ok }) => ok)).toEqual([true, false]);
    expect(quick(1.01, 0.91).map(({ ok }) => ok)).toEqual([false, true]);
    expect(quick(Number.NaN, 0.91)[0]!.ok).toBe(false);
  });

  it('has a value for every row of the table', () => {
    expect(() => quickFindings([], full([row('kid', 1, 1, 10)]))).toThrow('no kid of collaborative');
  });
});
