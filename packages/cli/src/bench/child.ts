import { EngineError, type EngineInfo, type ProfiledOp, useEngine } from '@codiff/engine';
import type { BenchCase, BenchSpec } from './case.js';
import { makeCase } from './cases.js';
import { PEAKS } from './models/peak-case.js';
import { branchesOfBench } from './models/settings.js';

/** Messages from the parent. */
export type Order =
  | { readonly kind: 'open'; readonly spec: BenchSpec }
  /** @property batch of a case that has several */
  | { readonly kind: 'run'; readonly batch?: number }
  | { readonly kind: 'profile' }
  | { readonly kind: 'stop' };

/** Answers of the child. */
export type Answer =
  | { readonly kind: 'opened'; readonly loadMs: number; readonly info: EngineInfo }
  | { readonly kind: 'ran'; readonly ms: number; readonly callMs: number; readonly probe?: readonly number[] }
  | { readonly kind: 'profiled'; readonly ops: readonly ProfiledOp[] }
  | { readonly kind: 'stopped'; readonly peakRssMiB: number; readonly flops: number | null }
  /** Memory does not suffice. */
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string };

let current: BenchCase | undefined;

async function obey(order: Order): Promise<Answer> {
  if (order.kind === 'open') {
    const { spec } = order;
    const start = performance.now();
    const info = await useEngine({
      ...(spec.device === undefined ? {} : { device: spec.device }),
      ...(spec.threads === undefined ? {} : { threads: spec.threads }),
      branches: branchesOfBench(spec.name),
      // A peak is what the machine's arithmetic does, not what spares arithmetic.
      ...((PEAKS as readonly string[]).includes(spec.name) ? { winograd: false } : {}),
      ...(spec.memoryLimitMiB === undefined ? {} : { memoryLimitMiB: spec.memoryLimitMiB }),
    });
    const loadMs = performance.now() - start;
    current = await makeCase(spec);
    return { kind: 'opened', loadMs, info };
  }
  if (order.kind === 'run') {
    const start = performance.now();
    let callMs = 0;
    await current!.run(() => {
      callMs = performance.now() - start;
    }, order.batch);
    const ms = (performance.now() - start) / (current!.repeats ?? 1);
    const probe = current!.probe?.();
    return { kind: 'ran', ms, callMs, ...(probe ? { probe } : {}) };
  }
  if (order.kind === 'profile') {
    if (current!.profile === undefined) throw new Error('this benchmark is more than one function; profile its parts');
    return { kind: 'profiled', ops: current!.profile() };
  }
  // maxRSS is in KiB. Counting may take memory of its own.
  const peakRssMiB = process.resourceUsage().maxRSS / 1024;
  const { flops } = current!;
  return { kind: 'stopped', peakRssMiB, flops: typeof flops === 'function' ? await flops() : flops };
}

process.on('message', async (order: Order) => {
  const answer = await obey(order).catch((error: unknown): Answer => {
    const refused = error instanceof EngineError && error.code === 'resource-exhausted';
    return refused ? { kind: 'refused', message: error.message } : { kind: 'failed', message: String(error) };
  });
  process.send!(answer);
  if (order.kind === 'stop') process.disconnect();
});
