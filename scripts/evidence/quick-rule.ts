import type { EvidenceRecord, EvidenceRow, Metric } from './record.js';
import { BIASED_METRICS, type SmallSampleBias } from './small-sample-bias.js';

/** Factor on the widened interval: about four standard deviations, since some thirty values are to pass together. */
export const SAFETY = 2;

/** The same, of metrics whose scatter among so few images is known. */
export const DEVIATIONS = 4;

/** Metrics that are shares of 1: an interval of no width says only that n images showed no exception. */
const SHARES: readonly Metric[] = ['mask_accuracy', 'mask_miou', 'text_consistency'];

/** A quick value beside the interval it has to lie in. */
export interface QuickFinding {
  readonly row: EvidenceRow;
  readonly low: number;
  readonly high: number;
  readonly ok: boolean;
}

/**
 * The interval of a value of the full table, widened for fewer images:
 * - both half widths times sqrt(n of the table / n of the quick run), as standard errors grow, times {@link SAFETY};
 * - half widths of shares are at least 3/n of the table before that (the rule of three: what n images show not once may still
 *   have that rate);
 * - the middle of a metric whose expectation depends on n ({@link BIASED_METRICS}) is moved by its bias at the quick run's n, and its
 *   half widths are at least {@link DEVIATIONS} of its standard deviations there, both of which the full run has measured: the standard
 *   error of so many images does not grow by the root.
 */
export function widenedInterval(
  full: EvidenceRow,
  n: number,
  bias: SmallSampleBias,
): { readonly low: number; readonly high: number } {
  const factor = SAFETY * Math.sqrt(Math.max(1, full.n / n));
  const least = SHARES.includes(full.metric) ? 3 / full.n : 0;
  const biased = BIASED_METRICS.find((metric) => metric === full.metric);
  const few = biased === undefined ? { bias: 0, scatter: 0 } : bias[biased];
  const middle = full.value + few.bias;
  const half = (side: number): number => Math.max(factor * Math.max(least, side), DEVIATIONS * few.scatter);
  return { low: middle - half(full.value - full.low), high: middle + half(full.high - full.value) };
}

/**
 * Whether every quick value lies in the full table's interval, widened for its n; which method is better plays no part.
 * @returns one finding a row of the full table
 * @throws RangeError for a value that the quick run lacks
 */
export function quickFindings(
  quick: readonly EvidenceRow[],
  full: Pick<EvidenceRecord, 'rows' | 'quick'>,
): QuickFinding[] {
  return full.rows.map((wanted) => {
    const row = quick.find(({ method, metric }) => method === wanted.method && metric === wanted.metric);
    if (row === undefined) throw new RangeError(`quick run: no ${wanted.metric} of ${wanted.method}`);
    const { low, high } = widenedInterval(wanted, row.n, full.quick.bias[wanted.method]);
    return { row, low, high, ok: row.value >= low && row.value <= high };
  });
}
