/** Gradient checkpointing through the engine: what it costs in accuracy, and what it saves in memory. */
import { describe, expect, it } from 'vitest';
import { jsonOf } from './support/child.js';

interface Run {
  /** Peak above what was there before the first call at full size. */
  readonly peakMiB: number;
  /** Of every bit of all gradients, of two calls. */
  readonly hashes: readonly [string, string];
  /** Every element of each gradient: the bytes of float32 in base64. */
  readonly gradients: readonly string[];
}

const run = (form: 'plain' | 'checkpointed', mode: 'eager' | 'compiled') =>
  jsonOf<Run>('recompute-memory', { args: [form, mode] });

function valuesOf(text: string): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(text, 'base64'));
  return new Float32Array(bytes.buffer);
}

describe('a chain of 16 blocks with gradient checkpointing', () => {
  it('compiled: peaks below 45 % of the plain chain; its gradients agree, and are the same bits in each run', async () => {
    const plain = await run('plain', 'compiled');
    const saved = await run('checkpointed', 'compiled');
    expect(saved.peakMiB).toBeLessThan(0.45 * plain.peakMiB);
    expect(saved.hashes[1]).toBe(saved.hashes[0]);
    expect((await run('checkpointed', 'compiled')).hashes).toEqual(saved.hashes);
    saved.gradients.forEach((grad, i) => {
      const [got, wanted] = [valuesOf(grad), valuesOf(plain.gradients[i]!)];
      let [largest, error] = [0, 0];
      wanted.forEach((value, j) => {
        largest = Math.max(largest, Math.abs(value));
        error = Math.max(error, Math.abs(got[j]! - value));
      });
      expect(got.length).toBe(wanted.length);
      expect(largest).toBeGreaterThan(0);
      expect(error).toBeLessThanOrEqual(1e-6 * largest);
    });
  }, 180_000);

  it('at once: peaks below 45 % of the plain chain; its gradients are the same, bit for bit', async () => {
    const plain = await run('plain', 'eager');
    const saved = await run('checkpointed', 'eager');
    expect(saved.peakMiB).toBeLessThan(0.45 * plain.peakMiB);
    expect(saved.hashes).toEqual(plain.hashes);
  }, 180_000);
});
