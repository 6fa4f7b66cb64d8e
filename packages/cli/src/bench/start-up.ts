import { fork } from 'node:child_process';
import { type BenchRow, summarize } from './row.js';

/** What the child sends: milliseconds from its process's start to its first result. */
interface FirstResult {
  readonly ms: number;
  readonly threads: number;
  readonly device: string;
  readonly peakRssMiB: number;
}

/** Time from the start of a process to its first result: Node, imports, library, one addition. */
export async function measureStartUp(runs: number): Promise<BenchRow> {
  const results: FirstResult[] = [];
  for (let i = 0; i < runs; i++) results.push(await firstResult());
  const { bestMs, medianMs } = summarize(results.map(({ ms }) => ms));
  const { threads, device } = results[0]!;
  const peakRssMiB = Math.max(...results.map((result) => result.peakRssMiB));
  const form = { name: 'start-up', phase: 'first', mode: 'eager', precision: 'float32', batch: 1 } as const;
  return { ...form, threads, bestMs, medianMs, gflops: null, peakRssMiB, device };
}

function firstResult(): Promise<FirstResult> {
  const child = fork(
    new URL(import.meta.url.endsWith('.ts') ? './start-up-child.ts' : './start-up-child.js', import.meta.url),
  );
  return new Promise((resolve, reject) => {
    child.once('message', (result) => resolve(result as FirstResult));
    child.once('exit', (code) => reject(new Error(`bench start-up: child ended with code ${code} and no result`)));
  });
}
