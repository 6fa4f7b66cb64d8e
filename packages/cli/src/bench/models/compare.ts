/** How far numbers of two results may be apart in float32, of the greatest: other orders of summing. */
const LIMIT = 1e-3;

/**
 * Whether two implementations compute the same.
 * @returns the greatest difference, as a share of the greatest number of `theirs`
 * @throws Error if their counts differ, or float32 results are too far apart
 */
export function differenceOf(ours: readonly number[], theirs: readonly number[], precision: string): number {
  if (ours.length !== theirs.length) {
    throw new Error(`bench: the peer's result has ${theirs.length} probes, ours ${ours.length}: other shapes`);
  }
  const greatest = Math.max(...theirs.map(Math.abs));
  const difference = Math.max(...ours.map((value, i) => Math.abs(value - theirs[i]!))) / greatest;
  if (precision === 'float32' && !(difference <= LIMIT)) {
    throw new Error(
      `bench: the peer's result differs by ${difference} of its greatest number; wanted at most ${LIMIT}`,
    );
  }
  return difference;
}
