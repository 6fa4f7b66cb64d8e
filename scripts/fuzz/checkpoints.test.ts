import { describe, expect, it } from 'vitest';
import { FORMATS, fuzzCheckpoints } from './checkpoints.js';

describe('mutated checkpoint files', () => {
  it.each(FORMATS)(
    '%s: 500 files are loaded or refused with a CheckpointError, in bounded time and memory',
    async (format) => {
      const report = await fuzzCheckpoints(format, 500, 7);
      expect(report.failures).toEqual([]);
      expect(report.cases).toBe(500);
      // All outcomes occur, so the mutations neither leave files sound nor destroy all of them at the first check.
      expect(report.refused).toBeGreaterThan(250);
      expect(report.unfit).toBeGreaterThan(40);
      expect(report.loaded).toBeGreaterThan(5);
    },
  );

  it('repeats a case from its seed', async () => {
    const [once, again] = [await fuzzCheckpoints('safetensors', 50, 3), await fuzzCheckpoints('safetensors', 50, 3)];
    expect([again.refused, again.unfit, again.loaded]).toEqual([once.refused, once.unfit, once.loaded]);
  });
});
