import { describe, expect, it } from 'vitest';
import type { CaseResult } from '../run/run-case.js';
import { writeTable } from './readme-table.js';

const MARKERS = [
  '# Title',
  '<!-- parity:begin (written by `npm run parity -- DIR --write`; do not edit) -->',
  'stale numbers',
  '<!-- parity:end -->',
  'tail',
].join('\n');

const run = (mode: 'eager' | 'compiled', error: number): CaseResult => ({
  case: 'unet_text',
  kind: 'unet',
  mode,
  ok: error <= 2e-5,
  seconds: 1,
  outputs: [
    { output: 'y', measure: 'max_rel', ok: error <= 2e-5, error, limit: 2e-5 },
    { output: 'z', measure: 'max_rel', ok: true, error: 1e-7, limit: 2e-5 },
  ],
});

describe('writeTable', () => {
  it('replaces what stands between the markers', () => {
    const results = [run('eager', 2e-6), run('compiled', 1e-6)];
    const text = writeTable(MARKERS, { results, skipped: ['dataset'], unselected: [], ok: true }, '2026-01-01, x');
    expect(text).toContain('| unet_text | unet | 2 | 2e-6 (`y`, max_rel) | 1e-6 (`y`, max_rel) | 2e-5 |');
    expect(text).toContain('2026-01-01, x: every case within its limits.');
    expect(text).not.toContain('stale numbers');
    expect(text.startsWith('# Title\n')).toBe(true);
    expect(text.endsWith('\ntail')).toBe(true);
    expect(writeTable(text, { results, skipped: ['dataset'], unselected: [], ok: true }, '2026-01-01, x')).toBe(text);
  });

  it('says what is not within its limit', () => {
    const results = [run('eager', 1e-3)];
    const text = writeTable(MARKERS, { results, skipped: [], unselected: [], ok: false }, 'x');
    expect(text).toContain('NOT every case');
    expect(text).toContain('FAIL: 1e-3 (`y`, max_rel)');
  });

  it('wants the markers', () => {
    expect(() => writeTable('# Title', { results: [], skipped: [], unselected: [], ok: true }, 'x')).toThrow(/lacks/);
  });
});
