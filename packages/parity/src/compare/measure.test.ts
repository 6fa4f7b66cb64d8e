import { describe, expect, it } from 'vitest';
import type { HostTensor } from '../cases/host-tensor.js';
import { compare } from './measure.js';
import { type Tolerance, ToleranceBlock, toleranceFor } from './tolerance.js';

const row = (...values: number[]): HostTensor => ({ shape: [values.length], values: Float64Array.from(values) });

describe('compare', () => {
  it('measures max_rel against the largest reference', () => {
    const rule: Tolerance = { measure: 'max_rel', limit: 0.1 };
    expect(compare(row(1, 9), row(0, 10), rule)).toMatchObject({ ok: true, error: 0.1 });
    expect(compare(row(1.1, 9), row(0, 10), rule).ok).toBe(false);
  });

  it('falls back to the absolute error where the reference is all zero', () => {
    const rule: Tolerance = { measure: 'max_rel', limit: 0.1 };
    expect(compare(row(0.1), row(0), rule)).toMatchObject({ ok: true, error: 0.1 });
    expect(compare(row(0.11), row(0), rule).ok).toBe(false);
  });

  it('measures abs and exact by the largest difference', () => {
    expect(compare(row(1, 2.5), row(1, 2), { measure: 'abs', limit: 0.5 }).ok).toBe(true);
    expect(compare(row(1, 2.6), row(1, 2), { measure: 'abs', limit: 0.5 }).ok).toBe(false);
    expect(compare(row(1, 2), row(1, 2), { measure: 'exact' }).ok).toBe(true);
    expect(compare(row(1, 2 + 1e-15), row(1, 2), { measure: 'exact' }).ok).toBe(false);
  });

  it('measures each_rel element by element, above a floor', () => {
    const rule: Tolerance = { measure: 'each_rel', limit: 0.1, floor: 1e-3 };
    expect(compare(row(1.05, 1e-4), row(1, 0), rule)).toMatchObject({ ok: true });
    expect(compare(row(100, 1.2), row(100, 1), rule).ok).toBe(false);
  });

  it('lets a share of the elements exceed the limit of abs_quantile, none its max', () => {
    const rule: Tolerance = { measure: 'abs_quantile', q: 0.9, limit: 0.1, max: 1 };
    const ten = Array.from({ length: 10 }, () => 0);
    expect(compare(row(0.5, ...ten.slice(1)), row(...ten), rule).ok).toBe(true);
    expect(compare(row(0.5, 0.5, ...ten.slice(2)), row(...ten), rule).ok).toBe(false);
    expect(compare(row(1.1, ...ten.slice(1)), row(...ten), rule).ok).toBe(false);
    expect(compare(row(0.5), row(0), rule).ok).toBe(false);
    const strict: Tolerance = { ...rule, q: 0.995 };
    const sixteen = Array.from({ length: 16 }, () => 0);
    expect(compare(row(0.5, ...sixteen.slice(1)), row(...sixteen), strict).ok).toBe(true);
    expect(compare(row(0.5, ...sixteen.slice(2)), row(...sixteen.slice(1)), strict).ok).toBe(false);
  });

  it.each(['max_rel', 'abs', 'exact', 'each_rel', 'abs_quantile'] as const)(
    'refuses NaN, infinity and shapes: %s',
    (measure) => {
      const rule = {
        exact: { measure: 'exact' },
        each_rel: { measure, limit: 9, floor: 1 },
        abs_quantile: { measure, limit: 9, max: 9, q: 0 },
      } as const;
      const tolerance = (measure in rule ? rule[measure as keyof typeof rule] : { measure, limit: 9 }) as Tolerance;
      expect(compare(row(Number.NaN), row(0), tolerance).ok).toBe(false);
      expect(compare(row(0), row(Number.NaN), tolerance).ok).toBe(false);
      expect(compare(row(Number.POSITIVE_INFINITY), row(Number.POSITIVE_INFINITY), tolerance).ok).toBe(false);
      expect(compare(row(1, 1), { shape: [1, 2], values: Float64Array.of(1, 1) }, tolerance).ok).toBe(false);
    },
  );
});

describe('toleranceFor', () => {
  const block = ToleranceBlock.parse({
    default: { measure: 'abs', limit: 1 },
    'a.*': { measure: 'abs', limit: 2 },
    'a.b.*': { measure: 'abs', limit: 3 },
    'a.b.c': { measure: 'abs', limit: 4 },
  });

  it.each([
    ['x', 1],
    ['a.x', 2],
    ['a.b.x', 3],
    ['a.b.c', 4],
    ['constructor', 1],
  ])('%s takes limit %d', (name, limit) => {
    expect(toleranceFor(block, name)).toEqual({ measure: 'abs', limit });
  });

  it('knows no other measure, no other field, and wants a default', () => {
    expect(() => ToleranceBlock.parse({ default: { measure: 'l2', limit: 1 } })).toThrow(/measure/);
    expect(() => ToleranceBlock.parse({ default: { measure: 'abs', limit: 1, floor: 2 } })).toThrow(/floor/);
    expect(() => ToleranceBlock.parse({ 'a.*': { measure: 'exact' } })).toThrow(/default/);
  });
});
