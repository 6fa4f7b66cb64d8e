import type { EngineInfo } from './engine.js';

/** How many threads TensorFlow gives to what. */
export interface PoolSizes {
  /** Threads that share one operation. */
  readonly intraOpThreads: number;
  /** Operations of a function that run at once. */
  readonly interOpThreads: number;
}

/**
 * Threads for the branches of a function, of which there are no more than threads. Two threads finish one branch of a diffusion
 * model's step in two thirds of a thread's time, not in half of it, so two branches with a thread each are done sooner. Where threads
 * are left over, all branches share all of them: TensorFlow has one pool for the insides of operations.
 */
export function poolSizes({
  threads,
  branches,
  deterministic,
}: Pick<EngineInfo, 'threads' | 'branches' | 'deterministic'>): PoolSizes {
  if (branches > 1) return { intraOpThreads: branches < threads ? threads : 1, interOpThreads: branches };
  return { intraOpThreads: threads, interOpThreads: deterministic ? 1 : threads };
}
