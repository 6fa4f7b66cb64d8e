import type { RandomSource } from './features.js';

/** A value with its 95 % interval. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** What was counted: images, or conditions. */
  readonly n: number;
}

/** How often, and by which draws, a sample is drawn again. */
export interface ResampleOptions {
  readonly resamples: number;
  readonly random: RandomSource['random'];
}

/**
 * A statistic of samples drawn again from 0 .. n-1, with replacement.
 * @param statistic of the indices of a sample [n]; the array is used again
 * @returns one value a resample @throws RangeError for no sample, or fewer than two resamples
 */
export function resample(
  n: number,
  { resamples, random }: ResampleOptions,
  statistic: (indices: Int32Array) => number,
): Float64Array {
  if (n < 1 || resamples < 2)
    throw new RangeError(`bootstrap: n is ${n}, resamples ${resamples}; wanted 1 and 2 or more`);
  const indices = new Int32Array(n);
  return Float64Array.from({ length: resamples }, () => {
    for (let i = 0; i < n; i++) indices[i] = Math.floor(random() * n);
    return statistic(indices);
  });
}

/** A statistic of a sample, and of the samples drawn again from it. */
export interface Resampled {
  readonly value: number;
  /** Of the sample. */
  readonly n: number;
  /** One a resample, in order. */
  readonly values: Float64Array;
}

/** A statistic with its resamples. @param statistic of the indices of a sample */
export const resampled = (
  n: number,
  statistic: (indices: Int32Array) => number,
  options: ResampleOptions,
): Resampled => ({
  value: statistic(Int32Array.from({ length: n }, (_, i) => i)),
  n,
  values: resample(n, options, statistic),
});

/**
 * Percentile bootstrap (Efron 1979): the value of the sample itself, between the 2.5 % and 97.5 % quantiles of its resamples.
 * @param statistic of the indices of a sample
 */
export function bootstrapInterval(
  n: number,
  statistic: (indices: Int32Array) => number,
  options: ResampleOptions,
): Interval {
  const { value, values } = resampled(n, statistic, options);
  const sorted = values.sort();
  return { value, low: quantile(sorted, 0.025), high: quantile(sorted, 0.975), n };
}

/** Interval of a mean. */
export const bootstrapMean = (values: ArrayLike<number>, options: ResampleOptions): Interval =>
  bootstrapInterval(values.length, (indices) => meanOf(values, indices), options);

/** A difference with its interval. */
export interface PairedDifference extends Interval {
  /** Share of resamples in which the difference is not above 0. */
  readonly notAbove: number;
}

/**
 * Mean of a - b over pairs that share condition and start noise, so that only what sets the two methods apart is left.
 * @throws RangeError for lists of different lengths
 */
export function pairedBootstrap(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  options: ResampleOptions,
): PairedDifference {
  if (a.length !== b.length) {
    throw new RangeError(`paired bootstrap: ${a.length} values beside ${b.length}; wanted pairs`);
  }
  const differences = Float64Array.from(a, (value, i) => value - b[i]!);
  return differenceOf(resampled(a.length, (indices) => meanOf(differences, indices), options));
}

/**
 * Difference of one statistic of two methods, where it is no mean over pairs: a - b, resample by resample. Both have to be
 * resampled by the same draws, so that a resample holds the same pairs of either method.
 * @throws RangeError for other numbers of pairs or resamples
 */
export function resampledDifference(a: Resampled, b: Resampled): PairedDifference {
  if (a.n !== b.n || a.values.length !== b.values.length) {
    throw new RangeError(
      `paired bootstrap: ${a.values.length} resamples of ${a.n} beside ${b.values.length} of ${b.n}; wanted those of the same pairs`,
    );
  }
  return differenceOf({ value: a.value - b.value, n: a.n, values: a.values.map((value, i) => value - b.values[i]!) });
}

function differenceOf({ value, n, values }: Resampled): PairedDifference {
  const sorted = values.sort();
  const notAbove = sorted.filter((each) => each <= 0).length / sorted.length;
  return { value, low: quantile(sorted, 0.025), high: quantile(sorted, 0.975), n, notAbove };
}

function meanOf(values: ArrayLike<number>, indices?: Int32Array): number {
  let sum = 0;
  const n = indices?.length ?? values.length;
  for (let i = 0; i < n; i++) sum += values[indices?.[i] ?? i]!;
  return sum / n;
}

/** Quantile between neighbours. @param sorted in rising order */
function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const [low, high] = [sorted[below]!, sorted[Math.min(below + 1, sorted.length - 1)]!];
  return low + (at - below) * (high - low);
}
