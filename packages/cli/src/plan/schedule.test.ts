import type { RecordedNode } from '@codiff/engine';
import { expect, it } from 'vitest';
import { scheduledSeconds } from './schedule.js';

/** Operations of one result each. @param reads of each, the operations whose results it reads */
function graphOf(reads: readonly (readonly number[])[], after: Readonly<Record<number, readonly number[]>> = {}) {
  const nodes = reads.map(
    (inputs, i): RecordedNode => ({ name: `n${i}`, op: 'Add', inputs, outputs: [i], after: after[i] ?? [] }),
  );
  return { nodes, values: nodes.map((_, node) => ({ node, shape: [], dtype: 1 })) };
}

it('runs what does not need each other side by side, and waits for what is read', () => {
  // Two chains, traced one after the other, and what joins them.
  const graph = graphOf([[], [0], [1], [], [3], [2, 4]]);
  const seconds = [1, 1, 1, 2, 2, 1];
  expect(scheduledSeconds(graph, seconds, 1)).toBe(8);
  expect(scheduledSeconds(graph, seconds, 2)).toBe(5);
  expect(scheduledSeconds(graph, seconds, 3)).toBe(5);
});

it('waits for operations that nothing is read of', () => {
  const graph = graphOf([[], []], { 1: [0] });
  expect(scheduledSeconds(graph, [2, 3], 2)).toBe(5);
});

it('passes through operations that take no time', () => {
  const graph = graphOf([[], [0], [1]]);
  expect(scheduledSeconds(graph, [2, 0, 3], 2)).toBe(5);
  expect(scheduledSeconds({ nodes: [], values: [] }, [], 2)).toBe(0);
});
