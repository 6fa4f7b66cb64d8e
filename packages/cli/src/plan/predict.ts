import type { Inspection } from '@codiff/engine';
import { type DeviceSpeed, secondsOf } from './device-speed.js';
import { siluProducts, type WorkKind, workOf } from './op-work.js';

/** What one call of a function is predicted to take. */
export interface Prediction {
  readonly seconds: number;
  readonly flops: number;
  /** Bytes read and written by all operations. */
  readonly bytes: number;
  /** Seconds by what limits them. */
  readonly byKind: Readonly<Partial<Record<WorkKind, number>>>;
}

/** Add up the operations of a function that was inspected. */
export function predict(
  { graph, needed }: Pick<Inspection<unknown>, 'graph' | 'needed'>,
  speed: DeviceSpeed,
): Prediction {
  let [seconds, flops, bytes] = [0, 0, 0];
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
    seconds += taken;
    flops += work.flops;
    bytes += moved;
    byKind[work.kind] = (byKind[work.kind] ?? 0) + taken;
  }
  return { seconds, flops, bytes, byKind };
}
