import type { BenchRow } from './row.js';

/** What one child process measures. Plain data: it travels between processes. */
export interface BenchSpec {
  readonly name: string;
  readonly phase: 'forward' | 'step';
  readonly mode: BenchRow['mode'];
  readonly precision: BenchRow['precision'];
  readonly batch: number;
  readonly threads?: number;
  readonly device?: string;
}

/** A benchmark ready to run: inputs and weights exist, nothing is traced yet. */
export interface BenchCase {
  /** Arithmetic of one run, or null. */
  readonly flops: number | null;
  /** How often one timed run repeats the work; times are given for one repetition. */
  readonly repeats?: number;
  /**
   * One run, to its last result. The first one traces.
   * @param called to be told when the call has returned and only its results are waited for
   */
  run(called: () => void): Promise<void>;
}
