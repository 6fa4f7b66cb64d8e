/** Attention by blocks: what a pass adds to the process stays below one copy of all logits. */
import { describe, expect, it } from 'vitest';
import { jsonOf } from './support/child.js';

interface Grown {
  readonly logitsMiB: number;
  /** Peak above what was there before, with what goes in and out. */
  readonly peakMiB: number;
  /** Of the absolute values of each result. */
  readonly sums: readonly number[];
}

describe('attention with 324 MiB of logits', () => {
  // 39, 68, 107 and 213 MiB were seen; with all logits at once they are 339, 680, 690 and 1992.
  it.skipIf(process.platform !== 'linux').each([
    ['forward', 'compiled'],
    ['forward', 'eager'],
    ['gradient', 'compiled'],
    ['gradient', 'eager'],
  ] as const)('%s, %s, grows by less than one copy of them', async (pass, mode) => {
    const { logitsMiB, peakMiB, sums } = await jsonOf<Grown>('attention-memory', { args: [pass, mode] });
    expect(logitsMiB).toBe(324);
    expect(peakMiB).toBeLessThan(logitsMiB);
    for (const sum of sums) expect(sum).toBeGreaterThan(0);
  });
});
