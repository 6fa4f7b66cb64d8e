import { expect, it } from 'vitest';
import { evaluationTable, PROTOCOLS } from './evaluation-table.js';
import type { Measured } from './measure.js';

/** So many images, whose text consistency is 0 and 1 by turns. */
function measured(n: number): Measured {
  return {
    features: { values: new Float32Array(n), n, width: 1 },
    text: { overall: Float64Array.from({ length: n }, (_, i) => i % 2), parts: new Map() },
    conditions: Int32Array.from({ length: n }, (_, i) => i),
    size: { width: 8, height: 8 },
  };
}

it('looks at 50 images and at 3000 of one set, side by side: the intervals are of their numbers', () => {
  const all = measured(PROTOCOLS.large + 100);
  const rowOf = (protocol: 'paper' | 'large') => {
    const { rows } = evaluationTable(all, undefined, { protocol, seed: 1, resamples: 200 });
    expect(rows.map(({ metric }) => metric)).toEqual(['text_consistency']);
    return rows[0]!;
  };
  const [paper, large] = [rowOf('paper'), rowOf('large')];
  expect([paper.n, large.n]).toEqual([50, 3000]);
  // Standard errors go as 1 / sqrt(n).
  const ratio = (paper.high - paper.low) / (large.high - large.low);
  expect(ratio).toBeGreaterThan(5);
  expect(ratio).toBeLessThan(11);
  expect(Math.abs(large.value - 0.5)).toBeLessThan(0.01);
});
