import { describe, expect, it } from 'vitest';
import { formatNumber, linearTicks, logTicks, position } from './ticks.js';

describe('ticks', () => {
  it.each([
    [0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [1, 981, [200, 400, 600, 800]],
    [-0.03, 0.031, [-0.02, 0, 0.02]],
    [3, 3, [2, 3, 4]],
  ])('linear from %d to %d', (low, high, expected) => {
    expect(linearTicks(low, high, 5).ticks).toEqual(expected);
  });

  it('by powers of ten, finer where there are few', () => {
    expect(logTicks(0.002, 30).ticks).toEqual([0.01, 0.1, 1, 10]);
    expect(logTicks(0.2, 3).ticks).toEqual([0.2, 0.5, 1, 2]);
    expect(logTicks(1, 1.5).ticks).toContain(1.2);
    expect(position(10, logTicks(1, 100), 'log')).toBeCloseTo(0.5);
  });

  it('are written short', () => {
    expect([0.30000000000000004, 1234567, 0.00012345, 1e9, 0, -2.5, Number.NaN].map(formatNumber)).toEqual([
      '0.3',
      '1234567',
      '1.23e-4',
      '1e9',
      '0',
      '-2.5',
      'NaN',
    ]);
  });
});
