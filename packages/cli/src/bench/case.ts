import type { ProfiledOp } from '@codiff/engine';
import type { ModelSettings } from './models/settings.js';
import type { BenchRow } from './row.js';

/** What one child process measures. Plain data: it travels between processes. */
export interface BenchSpec {
  readonly name: string;
  readonly phase: 'forward' | 'step' | 'generate';
  readonly mode: BenchRow['mode'];
  readonly precision: BenchRow['precision'];
  readonly batch: number;
  /** Several batch sizes with the same weights, in one process. */
  readonly batches?: readonly number[];
  /** Most that tensors may take; absent: no limit. */
  readonly memoryLimitMiB?: number;
  readonly threads?: number;
  readonly device?: string;
  /** Of full-size benchmarks. */
  readonly model?: ModelSettings;
}

/** A benchmark ready to run: inputs and weights exist, nothing is traced yet. */
export interface BenchCase {
  /** Arithmetic of one run, or null; a function is asked when all runs are done. */
  readonly flops: number | null | (() => Promise<number>);
  /** Some numbers of the last result, to be compared with a peer's. */
  readonly probe?: () => readonly number[];
  /** Every operation of one run, with its time; absent: the case is more than one function. */
  readonly profile?: () => readonly ProfiledOp[];
  /** How often one timed run repeats the work; times are given for one repetition. */
  readonly repeats?: number;
  /**
   * One run, to its last result. The first one traces.
   * @param called to be told when the call has returned and only its results are waited for
   * @param batch of a case that has several
   */
  run(called: () => void, batch?: number): Promise<void>;
}
