import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { BenchSpec } from '../case.js';
import { type BenchRow, summarize } from '../row.js';
import type { Contestant, RunOptions } from '../run.js';

/** PyTorch keeps the memory of large activations with these: up to twice as fast. */
const MALLOC = {
  MALLOC_MMAP_THRESHOLD_: '8000000000',
  MALLOC_TRIM_THRESHOLD_: '16000000000',
  MALLOC_TOP_PAD_: '1000000000',
};

const Opened = z.object({
  kind: z.literal('opened'),
  /** The form that is fastest here. */
  form: z.string(),
  /** How every form did. */
  notes: z.array(z.string()),
  version: z.string(),
  probe: z.array(z.number()),
});
const Ran = z.object({ kind: z.literal('ran'), ms: z.number() });
const Stopped = z.object({ kind: z.literal('stopped'), peakRssMiB: z.number() });
const Failed = z.object({ kind: z.literal('failed'), message: z.string() });

/** The same benchmark in PyTorch, by its fastest form, in a process of its own (`scripts/peer/bench_torch.py`). */
export class Peer implements Contestant {
  private readonly child: ChildProcessByStdio<Writable, Readable, null>;
  private readonly lines: Interface;
  private readonly answers: AsyncIterator<string>;
  private opened: z.output<typeof Opened> | undefined;

  /**
   * @param python an interpreter that has torch and numpy
   * @param bench what is measured @param order what bench_torch.py reads @param threads of both
   */
  constructor(
    python: string,
    private readonly bench: BenchSpec,
    private readonly order: Readonly<Record<string, unknown>>,
    private readonly threads: number,
  ) {
    const script = fileURLToPath(new URL('../../../../../scripts/peer/bench_torch.py', import.meta.url));
    this.child = spawn(python, [script], { env: { ...process.env, ...MALLOC }, stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = createInterface({ input: this.child.stdout });
    this.answers = this.lines[Symbol.asyncIterator]();
    this.child.once('error', () => this.lines.close());
    // Where it has ended, the lack of an answer says so.
    this.child.stdin.on('error', () => {});
  }

  /** Builds the model, tries every form, keeps the fastest. */
  async prepare(_: number, log: RunOptions['log']): Promise<readonly number[]> {
    this.opened = await this.ask({ kind: 'open', ...this.order }, Opened);
    log(`${this.bench.name} ${this.bench.precision} PyTorch ${this.opened.version}: ${this.opened.notes.join(', ')}`);
    return this.opened.probe;
  }

  async run(): Promise<number> {
    return (await this.ask({ kind: 'run' }, Ran)).ms;
  }

  async finish(times: readonly number[]): Promise<BenchRow[]> {
    const { peakRssMiB } = await this.ask({ kind: 'stop' }, Stopped);
    this.lines.close();
    const { name, phase, precision, batch } = this.bench;
    const { form, version } = this.opened!;
    const row = { phase, precision, batch, threads: this.threads, ...summarize(times), gflops: null, peakRssMiB };
    const mode = form === 'compile' ? 'compiled' : 'eager';
    return [{ name: peerName(name), ...row, mode, device: `cpu, PyTorch ${version} ${form}` }];
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  private async ask<T>(order: object, answer: z.ZodType<T>): Promise<T> {
    this.child.stdin.write(`${JSON.stringify(order)}\n`);
    const { value, done } = await this.answers.next();
    if (done)
      throw new Error(
        `bench ${this.bench.name}: the peer ended without an answer; its interpreter needs torch and numpy`,
      );
    const told: unknown = JSON.parse(value);
    const failed = Failed.safeParse(told);
    if (failed.success) throw new Error(`bench ${this.bench.name}: the peer: ${failed.data.message}`);
    return answer.parse(told);
  }
}

/** The name of the peer's rows. */
export const peerName = (name: string): string => `${name}:pytorch`;
