import type { Progress } from '../checkpoint/progress.js';

/** What batches of a run consist of. */
export interface BatchShape {
  /** Processes that share each batch. */
  readonly processes: number;
  /** Batches of one update. */
  readonly accumulate: number;
}

/**
 * Where a run goes on that was saved by another number of processes. Within an epoch its batches are counted anew, and
 * where they do not come out even, the place is taken that lies before: a few samples are then seen twice.
 * @param before number of processes that saved it @returns the place, and the samples seen twice, in shares of a process
 */
export function resumedPlace(
  progress: Progress,
  before: number,
  { processes, accumulate }: BatchShape,
): { readonly progress: Progress; readonly again: number } {
  if (before === processes) return { progress, again: 0 };
  const shares = progress.batch * before;
  const batch = Math.floor(shares / (processes * accumulate)) * accumulate;
  return { progress: { ...progress, batch }, again: shares - batch * processes };
}
