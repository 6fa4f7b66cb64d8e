import type { PlannedCall } from './planned-call.js';

const MIB = 2 ** 20;

/** What a process takes beyond its start when it first runs a compiled function: kernels, JavaScript, the first primitives. */
const RUNNING = 60 * MIB;

/** Graph, functions and what optimising them leaves behind, for each operation traced; measured on four demo models. */
const BYTES_PER_NODE = 10 * 2 ** 10;

/**
 * Most memory that a process takes which makes these calls.
 * @param started bytes of a process that has only started the engine
 */
export function peakBytes(calls: readonly PlannedCall[], started: number): number {
  const nodes = calls.reduce((sum, { graph }) => sum + graph.nodes.length, 0);
  const tensors = Math.max(...calls.map(({ resident, memory }) => resident + memory.bytes));
  return started + RUNNING + nodes * BYTES_PER_NODE + tensors;
}
