/** A source of the random numbers that preprocessing draws, with Python's names. */
export interface Draws {
  /** A number from `low` to `high`. */
  uniform(low: number, high: number): number;
  /** A number in [0, 1). */
  random(): number;
}

/**
 * Draws that depend on nothing but their labels: the same seed and labels give the same numbers on any machine, in any
 * worker, in any order of reading. sfc32 (Chris Doty-Humphrey, PractRand), seeded by a hash of the labels.
 */
export function seededDraws(seed: number, ...labels: readonly (number | string)[]): Draws {
  let [a, b, c] = [0x9e3779b9, 0x243f6a88, 0xb7e15162].map((basis) => hash(`${seed}|${labels.join('|')}`, basis)) as [
    number,
    number,
    number,
  ];
  let counter = 1;
  const next = (): number => {
    const word = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + word) | 0;
    return word >>> 0;
  };
  for (let i = 0; i < 12; i++) next();
  // 53 bits, as Python's generator gives.
  const random = () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
  return { random, uniform: (low, high) => low + (high - low) * random() };
}

/** FNV-1a, then mixed so that near labels give far seeds. */
function hash(text: string, basis: number): number {
  let h = basis;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** 0 .. n-1 in random order (Fisher and Yates). */
export function shuffled(n: number, draws: Draws): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(draws.random() * (i + 1));
    const taken = order[i]!;
    order[i] = order[j]!;
    order[j] = taken;
  }
  return order;
}
