import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeReport } from './report.js';
import { type BenchRow, formatRows, summarize } from './row.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bench-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('summarize', () => {
  it('gives best and median, of odd and even counts', () => {
    expect(summarize([3, 1, 2])).toEqual({ bestMs: 1, medianMs: 2 });
    expect(summarize([4, 1, 2, 3])).toEqual({ bestMs: 1, medianMs: 2.5 });
    expect(summarize([5])).toEqual({ bestMs: 5, medianMs: 5 });
  });
});

describe('formatRows', () => {
  it('aligns columns, and shows small times with more digits', () => {
    const row: BenchRow = {
      name: 'block-64',
      phase: 'forward',
      mode: 'compiled',
      precision: 'float32',
      batch: 2,
      threads: 2,
      bestMs: 12.34,
      medianMs: 0.01234,
      gflops: null,
      peakRssMiB: 99.6,
      device: 'cpu',
    };
    const [header, line] = formatRows([row, { ...row, bestMs: 0.01234 }]).split('\n');
    expect(header).toMatch(/^name +phase +mode +precision +best ms +median ms +GFLOP\/s +peak MiB$/);
    expect(line).toMatch(/^block-64 +forward +compiled +float32 +12\.3 +0\.0 +- +100$/);
    expect(formatRows([{ ...row, bestMs: 0.01234 }])).toContain('0.0123');
  });
});

describe('writeReport', () => {
  it('replaces what stands between its markers, and nothing else', () => {
    const file = join(folder, 'README.md');
    writeFileSync(file, 'before\n<!-- bench:x -->\nold\n<!-- /bench:x -->\nafter\n');
    writeReport(file, 'x', 'npm run bench -- x', 'new table');
    const text = readFileSync(file, 'utf8');
    expect(text).toMatch(
      /^before\n<!-- bench:x -->\n`npm run bench -- x` on .*\n\n```\nnew table\n```\n<!-- \/bench:x -->\nafter\n$/,
    );
    expect(() => writeReport(file, 'y', '', '')).toThrow(/has no lines '<!-- bench:y -->'/);
  });
});
