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

/** A child process with one benchmark open. */
class Bench {
  readonly times: number[] = [];
  rows: Omit<BenchRow, 'peakRssMiB'>[] = [];
  private readonly child: ChildProcess;

  constructor(readonly spec: BenchSpec) {
    this.child = fork(new URL(`./child${extension()}`, import.meta.url), {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
  }

  ask<K extends Answer['kind']>(order: Order, kind: K): Promise<Extract<Answer, { kind: K }>> {
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
 * Measure benchmarks against each other: one process each, so that each has its own peak memory, and one run of each in
 * turn, so that a machine that drifts drifts for all of them.
 */
export async function runTogether(specs: readonly BenchSpec[], options: RunOptions): Promise<BenchRow[]> {
  const benches: Bench[] = [];
  for (const spec of specs) {
    const bench = new Bench(spec);
    benches.push(bench);
    const { loadMs, info, flops } = await bench.ask({ kind: 'open', spec }, 'opened');
    const first = await bench.ask({ kind: 'run' }, 'ran');
    for (let i = 1; i < options.warmUps; i++) await bench.ask({ kind: 'run' }, 'ran');
    const common = {
      name: spec.name,
      mode: spec.mode,
      precision: spec.precision,
      batch: spec.batch,
      threads: info.threads,
      device: info.device,
    };
    const single = (phase: 'load' | 'trace' | 'first', ms: number) => ({
      ...common,
      phase,
      bestMs: ms,
      medianMs: ms,
      gflops: null,
    });
    // What the first call does before it returns is mostly tracing; an eager one traces nothing.
    if (spec.mode !== 'eager') bench.rows.push(single('trace', first.callMs));
    bench.rows.push(single('load', loadMs), single('first', first.ms), {
      ...common,
      phase: spec.phase,
      bestMs: Number.NaN,
      medianMs: Number.NaN,
      gflops: flops,
    });
    options.log(`${spec.name} ${spec.phase} ${spec.mode} ${spec.precision}: ready`);
  }
  for (let run = 0; run < options.runs; run++)
    for (const bench of benches) bench.times.push((await bench.ask({ kind: 'run' }, 'ran')).ms);
  const rows: BenchRow[] = [];
  for (const bench of benches) {
    const { peakRssMiB } = await bench.ask({ kind: 'stop' }, 'stopped');
    const { bestMs, medianMs } = summarize(bench.times);
    for (const row of bench.rows) {
      const measured = row.phase === bench.spec.phase;
      const gflops = measured && row.gflops !== null ? row.gflops / bestMs / 1e6 : null;
      rows.push({ ...row, ...(measured ? { bestMs, medianMs, gflops } : {}), peakRssMiB });
    }
  }
  return rows;
}
