/** Gradient checkpointing through the engine: what it costs in accuracy, and what it saves in memory. */
import { describe, expect, it } from 'vitest';
import { jsonOf } from './support/child.js';

interface Run {
  /** Peak above what was there before the first call at full size. */
  readonly peakMiB: number;
  /** Two compiled calls gave the same bits. */
  readonly repeated: boolean;
  /** Every 97th element of each gradient. */
  readonly compiled: readonly (readonly number[])[];
  readonly eager: readonly (readonly number[])[];
}

describe('a chain of 16 blocks with gradient checkpointing', () => {
  it('peaks below 45 % of the plain chain, compiled; gradients agree, bit for bit eagerly', async () => {
    const plain = await jsonOf<Run>('recompute-memory', { args: ['plain'] });
    const saved = await jsonOf<Run>('recompute-memory', { args: ['checkpointed'] });
    expect(saved.peakMiB).toBeLessThan(0.45 * plain.peakMiB);
    expect(saved.eager).toEqual(plain.eager);
    expect(saved.repeated).toBe(true);
    saved.compiled.forEach((grad, i) => {
      const largest = Math.max(...plain.compiled[i]!.map(Math.abs));
      const error = Math.max(...grad.map((value, j) => Math.abs(value - plain.compiled[i]![j]!)));
      expect(error).toBeLessThanOrEqual(1e-6 * largest);
    });
  }, 180_000);
});
