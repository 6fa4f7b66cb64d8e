/** A mean with its confidence interval. */
export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly n: number;
}

/**
 * 95 % confidence interval of the mean of a - b over pairs, by Student's t. Pairs of the same sample, timestep and noise
 * leave only what sets the two methods apart.
 * @throws RangeError for lists of different lengths, or fewer than 10 pairs (the quantile is a series in 1/(n-1))
 */
export function pairedInterval(a: readonly number[], b: readonly number[]): Interval {
  const n = a.length;
  if (n !== b.length) throw new RangeError(`paired interval: ${n} values beside ${b.length}; wanted pairs`);
  if (n < 10) throw new RangeError(`paired interval: ${n} pairs; wanted at least 10`);
  const differences = a.map((value, i) => value - b[i]!);
  const mean = differences.reduce((sum, d) => sum + d, 0) / n;
  const variance = differences.reduce((sum, d) => sum + (d - mean) ** 2, 0) / (n - 1);
  const half = t975(n - 1) * Math.sqrt(variance / n);
  return { mean, low: mean - half, high: mean + half, n };
}

/** The 97.5 % quantile of Student's t (Abramowitz and Stegun 26.7.5). @param nu degrees of freedom */
function t975(nu: number): number {
  const z = 1.959963984540054;
  return (
    z +
    (z ** 3 + z) / (4 * nu) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * nu ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * nu ** 3)
  );
}
