import { frechetDistance, meanIoU, pickRows, sumConfusions } from '@codiff/ldm-core';
import { type Measured, seededDraws, shuffled } from '@codiff/trainer';

/** Metrics whose expectation depends on the number of images: a distance of covariances, and a mean over classes of ratios. */
export const BIASED_METRICS = ['frechet', 'mask_miou'] as const;
/** How much higher each comes out of fewer images. */
export type SmallSampleBias = Readonly<Record<(typeof BIASED_METRICS)[number], number>>;

/** Subsets that a bias is the mean over. */
const SUBSETS = 50;

/**
 * How much higher metrics of fewer images come out: the mean over random subsets, less the value of all.
 * @param measured with masks @param n images of a subset; where there are no more, the bias is 0
 */
export function smallSampleBias(
  { features, confusions }: Pick<Measured, 'features' | 'confusions'>,
  reference: Measured['features'],
  n: number,
  seed: number,
): SmallSampleBias {
  if (n >= features.n) return { frechet: 0, mask_miou: 0 };
  const frechet = (rows: Int32Array) => frechetDistance(pickRows(features, rows), reference);
  const miou = (rows: Int32Array) => meanIoU(sumConfusions(confusions!, rows));
  const all = Int32Array.from({ length: features.n }, (_, i) => i);
  const subsets = Array.from({ length: SUBSETS }, (_, subset) =>
    shuffled(features.n, seededDraws(seed, 'small samples', subset)).subarray(0, n),
  );
  const bias = (statistic: (rows: Int32Array) => number): number =>
    subsets.reduce((sum, rows) => sum + statistic(rows), 0) / SUBSETS - statistic(all);
  return { frechet: bias(frechet), mask_miou: bias(miou) };
}
