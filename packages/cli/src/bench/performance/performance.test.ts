import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { growthPlot } from '../growth/plot.js';
import { growthPoints } from '../growth/points.js';
import type { BenchRow } from '../row.js';
import { ENTRIES } from './entries.js';
import { keep, stamp } from './measure.js';
import { performancePage } from './page.js';
import { mergeResults, type Result, readResults } from './results.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'performance-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const row = (change: Partial<Result> = {}): Result => ({
  ...{ entry: 'unet', date: '2026-11-22', command: 'npm run bench -- unet', machine: 'a processor, 2 cores, Node 20' },
  ...{ name: 'unet', phase: 'forward', mode: 'compiled', precision: 'float32', batch: 1, threads: 2 },
  ...{ bestMs: 1000, medianMs: 1100, gflops: 200, peakRssMiB: 3000, device: 'cpu' },
  ...change,
});
const peer = row({
  ...{ name: 'unet:pytorch', mode: 'eager', bestMs: 1500, medianMs: 1650, gflops: null, peakRssMiB: 4000 },
  device: 'cpu, PyTorch 2.15.0 channels_last',
});
const peak = row({ name: 'peak-convolution', gflops: 400 });
const grown = (batch: number, medianMs: number, change: Partial<Result> = {}) =>
  row({ entry: 'growth', batch, medianMs, bestMs: medianMs, ...change });

describe('performancePage', () => {
  it('has a line for each configuration: seconds, the peer, their ratio, floor, memory, first step', () => {
    const load = row({ phase: 'load', bestMs: 500 });
    const first = row({ phase: 'first', bestMs: 4500 });
    const former = row({ name: 'peak-convolution', gflops: 390, entry: 'vae-decode' });
    const page = performancePage({ results: [former, row(), peer, peak, load, first], refusals: [] }, 'plot.svg');
    // 200 GFLOP in a second; the peak would do them in half of it.
    expect(page).toContain(
      '| text UNet forward | float32 | 1 | 1.00 / 1.10 | 1.50 / 1.65 | channels_last | **1.50** | 0.500 | 3000 | 4000 | 5.00 | 2026-11-22 | A |',
    );
    expect(page).toContain('Machine A: a processor, 2 cores, Node 20.');
    expect(page).toContain('- A: peak-convolution float32: 400 GFLOP/s');
    expect(page).not.toContain('390 GFLOP/s');
    expect(page).toContain('```\nnpm run bench -- unet\n```');
    expect(page).not.toContain('## Growth');
  });

  it('says what was not measured, and takes each entry for itself', () => {
    const other = row({ entry: 'train-step', name: 'train-step', phase: 'step', gflops: null });
    const bare = row({ entry: 'forward-backward', name: 'train-step', phase: 'step', bestMs: 9000, medianMs: 9500 });
    const page = performancePage({ results: [bare, other], refusals: [] }, 'plot.svg');
    const lines = page.split('\n').filter((line) => /^\| UNet/.test(line));
    expect(lines).toEqual([
      '| UNet forward + backward, nothing recomputed | float32 | 1 | 9.00 / 9.50 | not measured | - | - | - | 3000 | - | - | 2026-11-22 | A |',
      '| UNet training step with recompute and AdamW | float32 | 1 | 1.00 / 1.10 | not measured | - | - | - | 3000 | - | - | 2026-11-22 | A |',
    ]);
  });

  it('tells the machines apart', () => {
    const other = row({ precision: 'bfloat16', machine: 'another, 4 cores' });
    const page = performancePage({ results: [row(), peak, other], refusals: [] }, 'plot.svg');
    expect(page).toContain('Machine A: a processor, 2 cores, Node 20.\n\nMachine B: another, 4 cores.');
    const machines = page.split('\n').filter((line) => line.startsWith('| text UNet'));
    expect(machines.map((line) => line.slice(-4))).toEqual([' A |', ' B |']);
  });

  it('shows growth by image, with what did not fit', () => {
    const refusal = {
      date: '2026-11-22',
      name: 'unet',
      precision: 'float32',
      batch: 8,
      threads: 2,
      why: 'needs 9 GiB',
    };
    const page = performancePage({ results: [grown(1, 1000), grown(4, 4200)], refusals: [refusal] }, 'plot.svg');
    expect(page).toContain('![Time per image relative to batch 1](plot.svg)');
    expect(page).toContain('| unet | float32 | 2 | 4 | 1.05 | 1.050 | 2026-11-22 | A |');
    expect(page).toContain('| unet | float32 | 2 | 8 | exceeds memory: needs 9 GiB | - | 2026-11-22 | - |');
  });
});

describe('mergeResults', () => {
  it('replaces what was measured again, and leaves the rest', () => {
    const known = { results: [row(), row({ precision: 'bfloat16' }), peer], refusals: [] };
    const fresh = row({ date: '2026-11-23', bestMs: 900 });
    const { results } = mergeResults(known, { results: [fresh], refusals: [] });
    expect(results).toEqual([row({ precision: 'bfloat16' }), peer, fresh]);
  });

  it("takes a peer's other form of today for the one of another day", () => {
    const fresh = { ...peer, mode: 'compiled', bestMs: 1600, medianMs: 1700 } as const;
    expect(mergeResults({ results: [row(), peer], refusals: [] }, { results: [fresh], refusals: [] }).results).toEqual([
      row(),
      fresh,
    ]);
  });

  it('lets a batch be either measured or refused', () => {
    const refusal = { date: '2026-11-22', name: 'unet', precision: 'float32', batch: 8, threads: 2, why: 'too large' };
    const refused = mergeResults(
      { results: [grown(8, 1), row({ batch: 8 })], refusals: [] },
      { results: [], refusals: [refusal] },
    );
    expect(refused).toEqual({ results: [row({ batch: 8 })], refusals: [refusal] });
    const fits = mergeResults(refused, { results: [grown(8, 2)], refusals: [] });
    expect(fits).toEqual({ results: [row({ batch: 8 }), grown(8, 2)], refusals: [] });
  });
});

describe('keep', () => {
  it('writes page, results and plot, and adds to what is there', () => {
    const page = join(folder, 'performance.md');
    keep(page, { results: [row(), peak], refusals: [] });
    expect(existsSync(join(folder, 'performance-growth.svg'))).toBe(false);
    keep(page, { results: [grown(1, 1000), grown(2, 2000)], refusals: [] });
    expect(readResults(join(folder, 'performance.json')).results).toHaveLength(4);
    const text = readFileSync(page, 'utf8');
    expect(text).toContain('text UNet forward');
    expect(text).toContain('](performance-growth.svg)');
    expect(readFileSync(join(folder, 'performance-growth.svg'), 'utf8')).toMatch(/^<svg .*<\/svg>\n$/s);
    writeFileSync(join(folder, 'performance.json'), '{"results": 1}');
    expect(() => keep(page, { results: [], refusals: [] })).toThrow(
      /performance\.json holds no results of this version/,
    );
  });

  it('dates by the day, and names the machine', () => {
    expect(stamp(new Date('2026-11-22T23:00:00Z'))).toMatchObject({ date: '2026-11-22' });
    expect(stamp().machine).toMatch(/\d+ cores, Node \d+/);
  });
});

describe('growth', () => {
  it('is time per image over that of one at a time, by model, precision and threads', () => {
    const rows: Pick<BenchRow, 'name' | 'precision' | 'threads' | 'batch' | 'medianMs'>[] = [
      ...[grown(1, 100), grown(4, 420), grown(2, 90, { threads: 1 })],
    ];
    expect(growthPoints(rows)).toEqual([
      { line: 'unet float32, 2 threads', batch: 1, relative: 1 },
      { line: 'unet float32, 2 threads', batch: 4, relative: 1.05 },
    ]);
  });

  it('is plotted with a line for each, and the goal', () => {
    const svg = growthPlot([
      { line: 'unet float32, 2 threads', batch: 1, relative: 1 },
      { line: 'unet float32, 2 threads', batch: 8, relative: 0.9 },
      { line: 'codiff-step float32, 2 threads', batch: 1, relative: 1 },
    ]);
    expect(svg.match(/<polyline/g)).toHaveLength(2);
    expect(svg.match(/<circle/g)).toHaveLength(3);
    expect(svg).toContain('>5 % above batch 1</text>');
    expect(svg).toMatch(/^<svg [^>]+>\n<title>Time per image/);
    expect(svg).not.toContain('NaN');
  });
});

describe('ENTRIES', () => {
  it('have names of their own', () => {
    expect(new Set(ENTRIES.map(({ id }) => id)).size).toBe(ENTRIES.length);
  });
});
