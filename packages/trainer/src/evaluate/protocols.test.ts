import { expect, it } from 'vitest';
import { evaluationTable, PROTOCOLS } from './evaluation-table.js';
import type { Measured } from './measure.js';

/** So many images, whose text consistency is 0 and 1 by turns. @param conditions which come again after the last */
function measured(n: number, conditions = n): Measured {
  return {
    features: { values: new Float32Array(n), n, width: 1 },
    text: { overall: Float64Array.from({ length: n }, (_, i) => i % 2), parts: new Map() },
    conditions: Int32Array.from({ length: n }, (_, i) => i % conditions),
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

it('looks at one image of each condition before a second of any', () => {
  const diversityOf = (conditions: number) => {
    const { rows } = evaluationTable(measured(3000, conditions), undefined, {
      protocol: 'paper',
      seed: 1,
      resamples: 10,
    });
    expect(rows.find(({ metric }) => metric === 'text_consistency')!.n).toBe(50);
    return rows.find(({ metric }) => metric === 'diversity')?.n;
  };
  // 50 of 1000 conditions: none comes twice. Of 40 conditions ten do, of 25 all.
  expect(diversityOf(1000)).toBeUndefined();
  expect(diversityOf(40)).toBe(10);
  expect(diversityOf(25)).toBe(25);
});
