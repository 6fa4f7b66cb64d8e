/**
 * Edits that turn one word into another: letters put in, left out, changed or swapped with their neighbour (the
 * restricted Damerau-Levenshtein distance).
 */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      let edits = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + change);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        edits = Math.min(edits, beforeLast[j - 2]! + 1);
      row.push(edits);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}

/**
 * The candidate that a misspelt word most likely means, or undefined if none is near: within 2 edits, or a third of the
 * word's letters. Case, underscores and hyphens count less than letters, so that `useEma` finds `use_ema`. Of equally
 * near candidates the first wins.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestScore = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const letters = editDistance(plain(word), plain(candidate));
    if (letters > Math.max(Math.min(2, candidate.length - 1), Math.floor(candidate.length / 3))) continue;
    const score = Math.min(editDistance(word, candidate), letters + 0.5);
    if (score < bestScore) [best, bestScore] = [candidate, score];
  }
  return best;
}

const plain = (word: string): string => word.replace(/[_-]/g, '').toLowerCase();
