import { expect, it } from 'vitest';
import { formatCompared } from './compare-plan.js';

it('shows predictions beside measurements, with their ratios', () => {
  const row = {
    ...{ name: 'unet', precision: 'float32', batch: 2, predictedMs: 110, bestMs: 90, measuredMs: 100 },
    ...{ predictedMiB: 950, measuredMiB: 1000 },
  };
  const [header, line] = formatCompared([row]).split('\n');
  expect(header!.split(/ {2,}/)).toEqual([
    ...['name', 'precision', 'batch', 'predicted ms', 'best ms', 'median ms', 'ratio'],
    ...['predicted MiB', 'measured MiB', 'ratio'],
  ]);
  expect(line!.trim().split(/ {2,}/)).toEqual([
    ...['unet', 'float32', '2', '110.0', '90.0', '100.0', '1.10', '950', '1000', '0.95'],
  ]);
});
