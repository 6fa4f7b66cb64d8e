import { BenchChild } from '../bench-child.js';
import type { BenchSpec } from '../case.js';
import type { ModelSettings } from '../models/settings.js';
import { type BenchRow, summarize } from '../row.js';
import type { RunOptions } from '../run.js';

/** What grows, and how far. */
export interface GrowthOptions extends RunOptions {
  readonly name: 'unet' | 'codiff-step';
  readonly precision: BenchRow['precision'];
  readonly batches: readonly number[];
  readonly threads: readonly number[];
  readonly device?: string | undefined;
  readonly model: ModelSettings;
  /** Most that the tensors of all processes may take together; absent: what is free. */
  readonly memoryMiB?: number;
}

/** A batch that memory does not suffice for. */
export interface TooLarge {
  readonly batch: number;
  readonly threads: number;
  readonly why: string;
}

/** One process for each number of threads, and the batches that it still measures. */
interface Runner {
  readonly child: BenchChild;
  readonly threads: number;
  readonly times: Map<number, number[]>;
  device: string;
}

/**
 * Measure batch sizes and numbers of threads in turn: one run of each after the other, so that a machine that drifts drifts
 * for all of them. The processes share what memory is free; a batch that does not fit is left out, and told.
 */
export async function runGrowth(
  options: GrowthOptions,
): Promise<{ readonly rows: BenchRow[]; readonly tooLarge: TooLarge[] }> {
  const { name, precision, batches, threads, model, log, warmUps, runs, device } = options;
  const free = options.memoryMiB ?? process.availableMemory() / 2 ** 20;
  const memoryLimitMiB = Math.floor(free / threads.length);
  const runners = threads.map((count): Runner => {
    const child = new BenchChild(`${name}, ${count} threads`);
    return { child, threads: count, times: new Map(), device: '' };
  });
  const tooLarge: TooLarge[] = [];
  try {
    for (const runner of runners) {
      const spec: BenchSpec = {
        ...{ name, phase: 'forward', mode: 'compiled', precision, batch: batches[0]!, batches, model },
        ...{ threads: runner.threads, ...(device === undefined ? {} : { device }) },
        // A card has a pool of its own.
        ...(device?.startsWith('gpu') ? {} : { memoryLimitMiB }),
      };
      runner.device = (await runner.child.ask({ kind: 'open', spec }, 'opened')).info.device;
      for (const batch of batches) {
        for (let i = 0; i < warmUps; i++) {
          const answer = await runner.child.ask({ kind: 'run', batch }, 'ran', 'refused');
          if (answer.kind === 'ran') runner.times.set(batch, []);
          else {
            runner.times.delete(batch);
            tooLarge.push({ batch, threads: runner.threads, why: answer.message });
            log(`${name} ${precision}, batch ${batch}, ${runner.threads} threads: ${answer.message}`);
            break;
          }
        }
        if (runner.times.has(batch)) log(`${name} ${precision}, batch ${batch}, ${runner.threads} threads: ready`);
      }
    }
    for (let run = 0; run < runs; run++)
      for (const { child, times } of runners)
        for (const [batch, own] of times) own.push((await child.ask({ kind: 'run', batch }, 'ran')).ms);
    const rows: BenchRow[] = [];
    for (const { child, threads: count, times, device } of runners) {
      const { peakRssMiB } = await child.ask({ kind: 'stop' }, 'stopped');
      for (const [batch, own] of times) {
        const what = { name, phase: 'forward', mode: 'compiled', precision, batch, threads: count } as const;
        rows.push({ ...what, ...summarize(own), gflops: null, peakRssMiB, device });
      }
    }
    return { rows, tooLarge };
  } catch (error) {
    for (const { child } of runners) child.kill();
    throw error;
  }
}
