import type { Result } from '../performance/results.js';
import type { GrowthPoint } from './plot.js';

/** Points of the plot: median time per image over that of batch 1, where batch 1 was measured. */
export function growthPoints(
  rows: readonly Pick<Result, 'name' | 'precision' | 'threads' | 'batch' | 'medianMs'>[],
): GrowthPoint[] {
  return rows.flatMap((row) => {
    const { name, precision, threads, batch } = row;
    const one = rows.find(
      (other) => other.batch === 1 && other.name === name && other.precision === precision && other.threads === threads,
    );
    if (one === undefined) return [];
    const line = `${name} ${precision}, ${threads} thread${threads === 1 ? '' : 's'}`;
    return [{ line, batch, relative: row.medianMs / batch / one.medianMs }];
  });
}
