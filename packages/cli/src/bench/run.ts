import { BenchChild } from './bench-child.js';
import type { BenchSpec } from './case.js';
import { type BenchRow, summarize } from './row.js';

/** How long and how often to measure. */
export interface RunOptions {
  readonly warmUps: number;
  readonly runs: number;
  /** Called with one line of progress. */
  readonly log: (line: string) => void;
}

/** One of several that are measured against each other. */
export interface Contestant {
  /** Get ready, with so many runs before the timed ones. @returns numbers of the first result, to be compared; none: [] */
  prepare(warmUps: number, log: RunOptions['log']): Promise<readonly number[]>;
  /** @returns milliseconds of one run */
  run(): Promise<number>;
  /** End. @param times of the timed runs */
  finish(times: readonly number[]): Promise<BenchRow[]>;
  /** End at once, whatever state it is in. */
  kill(): void;
}

/** A benchmark of ours, in a child process of its own, so that it has its own peak memory. */
export class Bench implements Contestant {
  private readonly child: BenchChild;
  private rows: Omit<BenchRow, 'peakRssMiB'>[] = [];

  constructor(private readonly spec: BenchSpec) {
    this.child = new BenchChild(spec.name);
  }

  async prepare(warmUps: number, log: RunOptions['log']): Promise<readonly number[]> {
    const { spec } = this;
    const { loadMs, info } = await this.child.ask({ kind: 'open', spec }, 'opened');
    const first = await this.child.ask({ kind: 'run' }, 'ran');
    for (let i = 1; i < warmUps; i++) await this.child.ask({ kind: 'run' }, 'ran');
    const { name, mode, precision, batch } = spec;
    const common = { name, mode, precision, batch, threads: info.threads, device: info.device, gflops: null };
    const single = (phase: 'load' | 'trace' | 'first', ms: number) => ({ ...common, phase, bestMs: ms, medianMs: ms });
    this.rows = [
      // What the first call does before it returns is mostly tracing; an eager one traces nothing.
      ...(mode === 'eager' ? [] : [single('trace', first.callMs)]),
      single('load', loadMs),
      single('first', first.ms),
      { ...common, phase: spec.phase, bestMs: Number.NaN, medianMs: Number.NaN },
    ];
    log(`${name} ${spec.phase} ${mode} ${precision}: ready`);
    return first.probe ?? [];
  }

  async run(): Promise<number> {
    return (await this.child.ask({ kind: 'run' }, 'ran')).ms;
  }

  async finish(times: readonly number[]): Promise<BenchRow[]> {
    const { peakRssMiB, flops } = await this.child.ask({ kind: 'stop' }, 'stopped');
    const { bestMs, medianMs } = summarize(times);
    const gflops = flops === null ? null : flops / bestMs / 1e6;
    return this.rows.map((row) =>
      row.phase === this.spec.phase ? { ...row, bestMs, medianMs, gflops, peakRssMiB } : { ...row, peakRssMiB },
    );
  }

  kill(): void {
    this.child.kill();
  }
}

/**
 * Measure contestants against each other: one run of each in turn, so that a machine that drifts drifts for all of them.
 * @param compare told the numbers of every first result, in order
 */
export async function runTogether(
  contestants: readonly Contestant[],
  { warmUps, runs, log }: RunOptions,
  compare?: (probes: readonly (readonly number[])[]) => void,
): Promise<BenchRow[]> {
  try {
    const probes: (readonly number[])[] = [];
    for (const contestant of contestants) probes.push(await contestant.prepare(warmUps, log));
    compare?.(probes);
    const times = contestants.map((): number[] => []);
    for (let run = 0; run < runs; run++)
      for (const [i, contestant] of contestants.entries()) times[i]!.push(await contestant.run());
    const rows: BenchRow[] = [];
    for (const [i, contestant] of contestants.entries()) rows.push(...(await contestant.finish(times[i]!)));
    return rows;
  } catch (error) {
    for (const contestant of contestants) contestant.kill();
    throw error;
  }
}
