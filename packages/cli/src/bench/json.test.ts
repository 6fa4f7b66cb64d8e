/** The rows that every benchmark writes with --json: what reads them counts on these fields, and on one measurement each. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { SUITES } from './cases.js';
import type { Answer, Order } from './child.js';
import { MODEL_BENCHES } from './models/settings.js';
import { runModelBench, type SuiteOptions } from './models/suite.js';
import { isMeasured, runOpSuite } from './op-suite.js';
import type { BenchRow } from './row.js';

/** Children that measure nothing. */
vi.mock('./bench-child.js', () => ({
  BenchChild: class {
    ask({ kind }: Order): Promise<Answer> {
      if (kind === 'open')
        return Promise.resolve({ kind: 'opened', loadMs: 5, info: { threads: 2, device: 'cpu' } } as Answer);
      if (kind === 'stop') return Promise.resolve({ kind: 'stopped', peakRssMiB: 100, flops: null });
      return Promise.resolve({ kind: 'ran', ms: 3, callMs: 2 });
    }
    kill(): void {}
  },
}));

const PHASES = ['load', 'trace', 'first', 'forward', 'step', 'generate'];
const FIELDS = [
  ...['name', 'phase', 'mode', 'precision', 'batch', 'threads'],
  ...['bestMs', 'medianMs', 'gflops', 'peakRssMiB', 'device'],
];

/** Rows as a reader of the file gets them: what is no number in JSON is null there. */
const read = (json: string) => JSON.parse(json) as BenchRow[];

function expectRow(row: BenchRow): void {
  const { name, phase, mode, precision, batch, threads, bestMs, medianMs, gflops, peakRssMiB, device } = row;
  expect(Object.keys(row).sort()).toEqual([...FIELDS].sort());
  expect([typeof name, typeof device]).toEqual(['string', 'string']);
  expect(PHASES).toContain(phase);
  expect(['eager', 'compiled', 'xla']).toContain(mode);
  expect(['float32', 'bfloat16', 'float16']).toContain(precision);
  for (const count of [batch, threads]) expect(Number.isInteger(count) && count >= 1).toBe(true);
  for (const value of [bestMs, medianMs, peakRssMiB]) expect(Number.isFinite(value) && value > 0).toBe(true);
  expect(medianMs).toBeGreaterThanOrEqual(bestMs);
  expect(gflops === null || gflops > 0).toBe(true);
}

/** Each configuration's rows of a measured phase, counted. */
function measurements(rows: readonly BenchRow[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { name, phase, mode, precision, batch, threads } of rows.filter(isMeasured)) {
    const key = [name, phase, mode, precision, batch, threads].join(' ');
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

const run = { warmUps: 1, runs: 2, log: () => undefined };
const models: SuiteOptions = {
  ...{ ...run, recompute: true, full: false, ema: false, optimizer: true, steps: 50 },
  ...{ precisions: ['float32', 'bfloat16'], batches: [1, 4], threads: 2, peerForms: [] },
};

describe('every benchmark', () => {
  it.each<[string, () => Promise<BenchRow[]>, number]>([
    // Two phases each: eager, compiled, half, XLA.
    ['block', () => runOpSuite(SUITES.block!, { ...run, half: 'bfloat16', batch: 2, xla: true }), 2 * 2 * 4],
    ['ops', () => runOpSuite(SUITES.ops!, { ...run, half: 'float16', batch: 2, xla: false }), 0],
    ...MODEL_BENCHES.map((name): [string, () => Promise<BenchRow[]>, number] => [
      name,
      () => runModelBench(name, models),
      // Two precisions and two batches, besides the peaks of the machine.
      4,
    ]),
  ])('%s: rows of these fields, one of the measured phase for each configuration', async (what, measure, count) => {
    const rows = read(JSON.stringify(await measure()));
    for (const row of rows) expectRow(row);
    const counts = measurements(rows);
    expect(counts.size).toBeGreaterThan(0);
    expect([...counts].filter(([, times]) => times !== 1)).toEqual([]);
    if (count > 0) expect([...counts.keys()].filter((key) => key.startsWith(what))).toHaveLength(count);
    // Each has its preparation beside it: tracing where something is traced.
    for (const phase of ['load', 'first']) expect(rows.filter((row) => row.phase === phase)).toHaveLength(counts.size);
    const traced = rows.filter((row) => isMeasured(row) && row.mode !== 'eager');
    expect(rows.filter(({ phase }) => phase === 'trace')).toHaveLength(traced.length);
    expect(rows.filter(({ phase, mode }) => phase === 'trace' && mode === 'eager')).toEqual([]);
  });

  it('of sampling is called generate, of training step, of networks forward', async () => {
    const phases = await Promise.all(
      (['generate', 'train-step', 'unet'] as const).map(async (name) =>
        (await runModelBench(name, models))
          .filter((row) => row.name === name && isMeasured(row))
          .map(({ phase }) => phase),
      ),
    );
    expect(phases.map((all) => [...new Set(all)])).toEqual([['generate'], ['step'], ['forward']]);
  });
});

describe('the file that --json names', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'bench-json-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Run `npm run bench -- ARGS` without npm. @returns what it wrote to its file */
  function bench(args: readonly string[]): Promise<BenchRow[]> {
    const file = join(folder, 'rows.json');
    const main = fileURLToPath(new URL('./main.ts', import.meta.url));
    const flags = ['--conditions=@codiff/source', '--import', 'tsx', main];
    const child = spawn(process.execPath, [...flags, ...args, '--runs', '2', '--warm-ups', '1', '--json', file], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += String(chunk)));
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => {
        if (code === 0) resolve(read(readFileSync(file, 'utf8')));
        else reject(new Error(`bench ended with ${code}: ${stderr}`));
      });
    });
  }

  it.each<[string, string, string[]]>([
    ['start-up', 'eager', ['first']],
    ['scalar-op', 'eager', ['load', 'first', 'forward']],
    ['captured-700', 'compiled', ['trace', 'load', 'first', 'forward']],
  ])('has the rows of a real run of %s', async (name, mode, phases) => {
    const rows = await bench(['ops', '--only', name]);
    for (const row of rows) expectRow(row);
    expect(rows.map(({ phase }) => phase)).toEqual(phases);
    for (const row of rows) expect(row).toMatchObject({ name, mode, precision: 'float32', batch: 1 });
    expect([...measurements(rows).values()]).toEqual([1]);
  });

  it('is not reached where `all` has no such entry, which is said before anything is measured', async () => {
    await expect(bench(['all', '--only', 'nothing-such'])).rejects.toThrow(
      /ended with 2: bench all --only nothing-such: wanted a part of one of unet, .*forward-backward/,
    );
  });

  it('follows the last of a flag that is given twice', async () => {
    const rows = await bench(['ops', '--only', 'nothing', '--only', 'start-up']);
    expect(rows.map(({ name }) => name)).toEqual(['start-up']);
  });
});
