import { z } from 'zod';
import type { OpWork, WorkKind } from './op-work.js';
import { ARITHMETIC } from './op-work.js';

/** Time of operations of one kind: so much for each, and so much for each unit of its work (flops, or bytes). */
const Rate = z.object({ secondsPerOp: z.number().nonnegative(), secondsPerUnit: z.number().positive() });
export type Rate = z.infer<typeof Rate>;

const KINDS = [
  'convolution',
  'input-gradient',
  'filter-gradient',
  'matmul',
  'product',
  'narrow-product',
  'elementwise',
  'function',
  'silu',
  'softmax',
  'move',
] as const satisfies readonly WorkKind[];

/** What a device was measured to do in one precision. */
export const DeviceSpeed = z.object({
  /** Of how it is measured: what another version measured is measured anew. */
  version: z.literal(2),
  /** Processor or card, as the system names it. */
  device: z.string(),
  threads: z.int().positive(),
  /** Parts of a function that run side by side: see `useEngine`. */
  branches: z.int().positive(),
  precision: z.enum(['float32', 'bfloat16', 'float16']),
  /** ISO 8601. */
  measured: z.string(),
  /** Seconds that any operation takes, however small. */
  secondsPerOperation: z.number().nonnegative(),
  rates: z.record(z.enum(KINDS), Rate),
});
export type DeviceSpeed = z.infer<typeof DeviceSpeed>;

/** Operations that run at once, each with a thread of its own; 1: each has all threads. */
export const operationsAtOnce = ({ threads, branches }: Pick<DeviceSpeed, 'threads' | 'branches'>): number =>
  branches >= threads ? threads : 1;

/** Two measurements of one kind: work of one operation, and its seconds. */
export interface Sample {
  readonly units: number;
  readonly seconds: number;
}

/**
 * The line through a small and a large operation. Where the small one was faster by its work, as what fits the caches is, an
 * operation has no time of its own.
 */
export function rateOf(small: Sample, large: Sample): Rate {
  const slope = (large.seconds - small.seconds) / (large.units - small.units);
  const perUnit = large.seconds / large.units;
  const atOnce = small.seconds - slope * small.units;
  return slope > 0 && atOnce > 0
    ? { secondsPerOp: atOnce, secondsPerUnit: slope }
    : { secondsPerOp: 0, secondsPerUnit: perUnit };
}

/** Seconds of an operation. Contractions that compute little wait for memory instead. */
export function secondsOf(work: OpWork, { rates, secondsPerOperation }: DeviceSpeed): number {
  const rate = rates[work.kind];
  const atOnce = Math.max(rate.secondsPerOp, secondsPerOperation);
  if (!ARITHMETIC.has(work.kind)) return atOnce + work.bytes * rate.secondsPerUnit;
  const atMemory = work.bytes * rates.elementwise.secondsPerUnit;
  return atOnce + Math.max(work.flops * rate.secondsPerUnit, atMemory);
}
