/** A small seeded generator (mulberry32): one seed, one sequence, on every machine. */
export class FuzzRandom {
  constructor(private state: number) {}

  /** The generator of one case: cases can be repeated alone. */
  static of(seed: number, name: string, index: number): FuzzRandom {
    let hash = 0x811c9dc5 ^ seed;
    for (const char of `${name}:${index}`) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193);
    return new FuzzRandom(hash);
  }

  /** A whole number from 0 to below `limit`. */
  below(limit: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  /** One of the items. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** True with probability 1/n. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }
}
