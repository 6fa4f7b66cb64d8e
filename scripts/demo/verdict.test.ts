import { expect, it } from 'vitest';
import type { CodiffErrors } from './codiff-errors.js';
import { findings } from './verdict.js';

const stage = { steps: 1, batchSize: 8, seconds: 1, cpuSeconds: 2, stepsPerSecond: 1, imagesPerSecond: 8 };
const loss = (atEnd: number) => ({ ...stage, heldOut: { name: 'val/loss_simple', atStart: 1, atEnd } });
const gain = (low: number) => ({ mean: low + 0.01, low, high: low + 0.02, n: 200 });
const codiff = (half: number): CodiffErrors => ({
  samples: 200,
  mean: { collaborative: 0.3, half: 0.32, seg_mask: 0.35, text: 0.4 },
  gain: { half: gain(half), seg_mask: gain(0.04), text: gain(0.09) },
});

it('holds every loss and every gain to its limit', () => {
  const all = findings({ stages: { vae: loss(0.6), text: loss(0.61), mask: loss(0.2) }, codiff: codiff(0.01) });
  expect(all.map(({ ok }) => ok)).toEqual([true, false, true, true, true, true]);
  expect(all[1]!.text).toContain('0.610 of 1.0000 at the start (limit 0.6)');
});

it('asks for an interval above 0, not for a mean above it', () => {
  const [half] = findings({ stages: {}, codiff: codiff(-0.001) });
  expect(half!.ok).toBe(false);
});
