import type { EngineInfo } from './engine.js';

/** How many threads TensorFlow gives to what. */
export interface PoolSizes {
  /** Threads that share one operation. */
  readonly intraOpThreads: number;
  /** Operations of a function that run at once. */
  readonly interOpThreads: number;
}

/**
 * Divide the threads among the branches of a function, of which there are no more than threads. Two threads finish one branch of a diffusion model's step in two thirds
 * of a thread's time, not in half of it; two branches with a thread each take little longer than one.
 */
export function poolSizes({
  threads,
  branches,
  deterministic,
}: Pick<EngineInfo, 'threads' | 'branches' | 'deterministic'>): PoolSizes {
  if (branches > 1) return { intraOpThreads: Math.ceil(threads / branches), interOpThreads: branches };
  return { intraOpThreads: threads, interOpThreads: deterministic ? 1 : threads };
}
