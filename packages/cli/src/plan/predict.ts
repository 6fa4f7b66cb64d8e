import type { Inspection } from '@codiff/engine';
import { type DeviceSpeed, operationsAtOnce, secondsOf } from './device-speed.js';
import { siluProducts, type WorkKind, workOf } from './op-work.js';
import { scheduledSeconds } from './schedule.js';

/** What one call of a function is predicted to take. */
export interface Prediction {
  readonly seconds: number;
  /** The same, one operation after the other. */
  readonly inTurn: number;
  readonly flops: number;
  /** Bytes read and written by all operations. */
  readonly bytes: number;
  /** Seconds by what limits them, in turn. */
  readonly byKind: Readonly<Partial<Record<WorkKind, number>>>;
}

/** Add up the operations of a function that was inspected, side by side where branches have threads of their own. */
export function predict(
  { graph, needed }: Pick<Inspection<unknown>, 'graph' | 'needed'>,
  speed: DeviceSpeed,
): Prediction {
  let [inTurn, flops, bytes] = [0, 0, 0];
  const each = graph.nodes.map(() => 0);
  const byKind: Partial<Record<WorkKind, number>> = {};
  const half = speed.precision === 'float32' ? 1 : 1 / 2;
  const products = siluProducts(graph, needed);
  const silus = new Set(products.values());
  for (const index of needed) {
    const own = products.has(index) ? null : workOf(graph, graph.nodes[index]!);
    if (own === null) continue;
    const work = silus.has(index) ? { ...own, kind: 'silu' as const } : own;
    // Mixed precision moves numbers of half the bytes, but for the optimizer's.
    const moved = graph.nodes[index]!.op === 'ResourceApplyAdam' ? work.bytes : work.bytes * half;
    const taken = secondsOf({ ...work, bytes: moved }, speed);
    each[index] = taken;
    inTurn += taken;
    flops += work.flops;
    bytes += moved;
    byKind[work.kind] = (byKind[work.kind] ?? 0) + taken;
  }
  const atOnce = operationsAtOnce(speed);
  const seconds = atOnce === 1 ? inTurn : scheduledSeconds(graph, each, atOnce);
  return { seconds, inTurn, flops, bytes, byKind };
}
