import { frechetDistance, meanIoU, pickRows, sumConfusions } from '@codiff/ldm-core';
import { type Measured, seededDraws, shuffled } from '@codiff/trainer';

/** Metrics whose expectation depends on the number of images: a distance of covariances, and a mean over classes of ratios. */
export const BIASED_METRICS = ['frechet', 'mask_miou'] as const;
/** How a metric of fewer images comes out. */
export interface SmallSample {
  /** How much higher. */
  readonly bias: number;
  /** Standard deviation from one subset to another. */
  readonly scatter: number;
}
/** Of each such metric. */
export type SmallSampleBias = Readonly<Record<(typeof BIASED_METRICS)[number], SmallSample>>;

/** Subsets that a bias is the mean over. */
const SUBSETS = 50;

/**
 * How metrics of fewer images come out: the mean over random subsets, less the value of all, and their standard deviation.
 * @param measured with masks @param n images of a subset; where there are no more, both are 0
 */
export function smallSampleBias(
  { features, confusions }: Pick<Measured, 'features' | 'confusions'>,
  reference: Measured['features'],
  n: number,
  seed: number,
): SmallSampleBias {
  if (n >= features.n) return { frechet: { bias: 0, scatter: 0 }, mask_miou: { bias: 0, scatter: 0 } };
  const frechet = (rows: Int32Array) => frechetDistance(pickRows(features, rows), reference);
  const miou = (rows: Int32Array) => meanIoU(sumConfusions(confusions!, rows));
  const all = Int32Array.from({ length: features.n }, (_, i) => i);
  const subsets = Array.from({ length: SUBSETS }, (_, subset) =>
    shuffled(features.n, seededDraws(seed, 'small samples', subset)).subarray(0, n),
  );
  const compared = (statistic: (rows: Int32Array) => number): SmallSample => {
    const values = subsets.map(statistic);
    const mean = values.reduce((sum, value) => sum + value, 0) / SUBSETS;
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    return { bias: mean - statistic(all), scatter: Math.sqrt(squares / (SUBSETS - 1)) };
  };
  return { frechet: compared(frechet), mask_miou: compared(miou) };
}
