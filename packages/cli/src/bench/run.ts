import { type ChildProcess, fork } from 'node:child_process';
import type { BenchSpec } from './case.js';
import type { Answer, Order } from './child.js';
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
  private readonly child: ChildProcess;
  private rows: Omit<BenchRow, 'peakRssMiB'>[] = [];

  constructor(private readonly spec: BenchSpec) {
    this.child = fork(new URL(`./child${extension()}`, import.meta.url), {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
  }

  async prepare(warmUps: number, log: RunOptions['log']): Promise<readonly number[]> {
    const { spec } = this;
    const { loadMs, info } = await this.ask({ kind: 'open', spec }, 'opened');
    const first = await this.ask({ kind: 'run' }, 'ran');
    for (let i = 1; i < warmUps; i++) await this.ask({ kind: 'run' }, 'ran');
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
    return (await this.ask({ kind: 'run' }, 'ran')).ms;
  }

  async finish(times: readonly number[]): Promise<BenchRow[]> {
    const { peakRssMiB, flops } = await this.ask({ kind: 'stop' }, 'stopped');
    const { bestMs, medianMs } = summarize(times);
    const gflops = flops === null ? null : flops / bestMs / 1e6;
    return this.rows.map((row) =>
      row.phase === this.spec.phase ? { ...row, bestMs, medianMs, gflops, peakRssMiB } : { ...row, peakRssMiB },
    );
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  private ask<K extends Answer['kind']>(order: Order, kind: K): Promise<Extract<Answer, { kind: K }>> {
    return new Promise((resolve, reject) => {
      const ended = (code: number | null) =>
        reject(new Error(`bench ${this.spec.name}: child ended with code ${code}`));
      this.child.once('exit', ended);
      this.child.once('message', (answer: Answer) => {
        this.child.off('exit', ended);
        if (answer.kind === kind) resolve(answer as Extract<Answer, { kind: K }>);
        else reject(new Error(answer.kind === 'failed' ? answer.message : `bench: unexpected answer ${answer.kind}`));
      });
      this.child.send(order);
    });
  }
}

/** Sources run as TypeScript in the repository, as JavaScript once built. */
const extension = (): string => (import.meta.url.endsWith('.ts') ? '.ts' : '.js');

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
