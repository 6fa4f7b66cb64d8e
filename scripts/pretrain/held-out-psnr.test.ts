import { expect, it } from 'vitest';
import { psnrOf } from './held-out-psnr.js';

it('is in decibels of levels from 0 to 1', () => {
  const { mean, pooled, least, n } = psnrOf([0.01, 0.0001]);
  expect([mean, least, n]).toEqual([30, 20, 2]);
  // The mean error, 0.00505, weighs the bad image more.
  expect(pooled).toBeCloseTo(22.967, 3);
});
