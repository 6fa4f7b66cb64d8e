import { describe, expect, it } from 'vitest';
import { batchLimitOf, maxTimeOf, precisionOf } from './trainer-options.js';

describe('precision', () => {
  it.each([
    [undefined, 'float32'],
    [32, 'float32'],
    ['bf16', 'bfloat16'],
    ['bfloat16', 'bfloat16'],
  ])('%s is %s', (given, wanted) => expect(precisionOf(given)).toBe(wanted));

  it('refuses float16, which wants loss scaling, and what is none', () => {
    expect(() => precisionOf(16)).toThrow('loss scaling');
    expect(() => precisionOf('double')).toThrow('wanted 32 (float32) or bf16');
  });
});

describe('max_time', () => {
  it.each([
    [undefined, null],
    [90, 90],
    ['1:30', 90],
    ['00:02:00:00', 7200],
    [{ minutes: 2, seconds: 1 }, 121],
  ])('%j is %s seconds', (given, wanted) => expect(maxTimeOf(given)).toBe(wanted));

  it.each(['x', -1, { years: 1 }, [1]])('%j is none', (given) => {
    expect(() => maxTimeOf(given)).toThrow('lightning.trainer.max_time is');
  });
});

describe('limit_*_batches', () => {
  const limit = (value: unknown, batches: number) =>
    batchLimitOf({ limit_val_batches: value }, 'limit_val_batches')!(batches);

  it('takes counts and shares', () => {
    expect([limit(3, 10), limit(30, 10), limit(0.25, 10), limit(0.01, 10), limit(1, 10), limit(0, 10)]).toEqual([
      3, 10, 2, 1, 10, 0,
    ]);
    expect(batchLimitOf({}, 'limit_val_batches')).toBeNull();
    expect(() => batchLimitOf({ limit_val_batches: 1.5 }, 'limit_val_batches')).toThrow('a share from 0 to 1');
  });
});
