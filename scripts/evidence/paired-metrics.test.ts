import { frechetDistance, meanIoU, resampledDifference, sumConfusions } from '@codiff/ldm-core';
import { type Measured, seededDraws } from '@codiff/trainer';
import { expect, it } from 'vitest';
import { pairedMetrics } from './paired-metrics.js';

const N = 30;
const draws = seededDraws(4, 'features');
const features = (n: number) => ({
  n,
  width: 3,
  values: Float64Array.from({ length: n * 3 }, () => draws.random()),
});
/** Images of two classes, of which so many pixels out of 10 are found. */
const found = (right: (pair: number) => number): Measured => ({
  features: features(N),
  confusions: Array.from({ length: N }, (_, i) => Int32Array.from([right(i), 10 - right(i), 0, 10])),
  text: { overall: Float64Array.from({ length: N }, (_, i) => right(i) / 10), parts: new Map() },
  conditions: Int32Array.from({ length: N }, (_, i) => i),
  size: { width: 8, height: 8 },
});

it('draws the same pairs of every method and metric', () => {
  const reference = features(40);
  const better = found((i) => 3 + (i % 6));
  const worse = found((i) => 2 + (i % 6));
  const [a, b] = [pairedMetrics(better, reference, 1), pairedMetrics(worse, reference, 1)];
  expect(a.frechet.value).toBeCloseTo(frechetDistance(better.features, reference), 9);
  expect(a.mask_miou.value).toBe(meanIoU(sumConfusions(better.confusions!, [...better.confusions!.keys()])));
  // Pair by pair the difference is the same, so it is known exactly however much pairs scatter.
  for (const [metric, wanted] of [
    ['mask_accuracy', 0.05],
    ['text_consistency', 0.1],
  ] as const) {
    const { value, low, high, n } = resampledDifference(a[metric], b[metric]);
    for (const each of [value, low, high]) expect(each).toBeCloseTo(wanted, 9);
    expect(n).toBe(N);
  }
  const apart = resampledDifference(a.mask_miou, b.mask_miou);
  const alone = a.mask_miou.values.toSorted();
  expect(apart.high - apart.low).toBeLessThan((alone[974]! - alone[25]!) / 4);
  expect(apart.low).toBeGreaterThan(0);
});
