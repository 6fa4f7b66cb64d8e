import { describe, expect, it } from 'vitest';
import { type LrCycle, lrSchedule } from './schedule.js';

const cycle: LrCycle = { steps: 100, warmUpSteps: 20, start: 0.1, max: 1, min: 0.2 };

describe('lrSchedule', () => {
  it('warms up along a line', () => {
    const factor = lrSchedule([cycle], 'cosine');
    expect([0, 10, 20].map(factor)).toEqual([0.1, expect.closeTo(0.55, 12), 1]);
  });

  it('falls along half a cosine', () => {
    const factor = lrSchedule([cycle], 'cosine');
    expect(factor(60)).toBeCloseTo(0.6, 12); // half way: the mean of max and min
    expect(factor(40)).toBeCloseTo(0.2 + 0.4 * (1 + Math.SQRT1_2), 12);
    expect(factor(100)).toBeCloseTo(0.2, 12);
  });

  it('falls along a line', () => {
    const factor = lrSchedule([cycle], 'linear');
    expect([20, 40, 60, 100].map(factor)).toEqual([1, 0.8, 0.6, 0.2].map((wanted) => expect.closeTo(wanted, 12)));
  });

  it('goes through its cycles and then stays', () => {
    const factor = lrSchedule([cycle, { steps: 50, warmUpSteps: 0, start: 0, max: 0.5, min: 0 }], 'linear');
    expect(factor(100)).toBeCloseTo(0.2, 12); // the last step of the first cycle
    expect(factor(101)).toBeCloseTo(0.5 * (49 / 50), 12);
    expect(factor(125)).toBeCloseTo(0.25, 12);
    expect(factor(150)).toBeCloseTo(0, 12);
    expect(factor(10_000)).toBe(0);
  });

  it('can be all warm-up', () => {
    const factor = lrSchedule([{ steps: 10, warmUpSteps: 10, start: 0, max: 1, min: 1 }], 'linear');
    expect([0, 5, 10, 11].map(factor)).toEqual([0, 0.5, 1, 1]);
  });

  it('refuses impossible cycles', () => {
    expect(() => lrSchedule([], 'cosine')).toThrow('no cycles');
    expect(() => lrSchedule([{ ...cycle, warmUpSteps: 101 }], 'cosine')).toThrow(
      'cycle 0 has 100 steps, 101 of warm-up',
    );
    expect(() => lrSchedule([cycle, { ...cycle, min: -1 }], 'cosine')).toThrow('cycle 1 has factors 0.1, 1, -1');
  });
});
