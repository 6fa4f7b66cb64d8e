/** A checkpoint that may be kept for its score. */
export interface Ranked {
  /** File name. */
  readonly file: string;
  readonly score: number;
}

/** How many checkpoints are kept for their score, and which scores are good. */
export interface BestOptions {
  /** -1: all. */
  readonly keep: number;
  readonly mode: 'min' | 'max';
}

/**
 * Whether a new checkpoint belongs to the best, and which falls out for it. A score that is not finite is the worst there
 * is; of equal ones the older stays.
 * @param best the ones kept so far, best first
 */
export function rank(
  best: readonly Ranked[],
  next: Ranked,
  { keep, mode }: BestOptions,
): { readonly best: readonly Ranked[]; readonly kept: boolean; readonly dropped: readonly Ranked[] } {
  const order = (score: number): number => {
    if (!Number.isFinite(score)) return Number.POSITIVE_INFINITY;
    return mode === 'min' ? score : -score;
  };
  // The sort is stable, so that of equal scores the older comes first. A file written anew takes its new score.
  const all = [...best.filter(({ file }) => file !== next.file), next].sort((a, b) => {
    const [x, y] = [order(a.score), order(b.score)];
    return x === y ? 0 : x - y;
  });
  const kept = keep < 0 ? all : all.slice(0, keep);
  return {
    best: kept,
    kept: kept.includes(next),
    dropped: all.filter((each) => !kept.includes(each) && each !== next),
  };
}
