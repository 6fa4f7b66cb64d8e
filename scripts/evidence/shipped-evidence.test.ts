import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { evidencePage } from './page.js';
import { readRecord } from './record.js';
import { triedText } from './tried.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const JSON_FILE = join(ROOT, 'docs/evidence.json');

/** Most that all pictures may take. */
const PICTURE_BYTES = 2e6;

// Until the table was made from shipped weights there is nothing to compare with.
describe.skipIf(!existsSync(JSON_FILE))('docs/evidence.json', () => {
  it('is what the page and its pictures are made from', () => {
    const record = readRecord(JSON_FILE);
    expect(readFileSync(join(ROOT, 'docs/evidence.md'), 'utf8')).toBe(evidencePage(record, triedText()));
    const sizes = (record.pictures ?? []).map(({ file }) => statSync(join(dirname(JSON_FILE), file)).size);
    expect(sizes).toHaveLength(6);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(PICTURE_BYTES);
    expect(record.pairs.test).toBeGreaterThanOrEqual(500);
  });

  it('holds for a quick run', { timeout: 900_000 }, async () => {
    const out = mkdtempSync(join(tmpdir(), 'evidence-quick-'));
    const folder = join(out, 'run');
    const child = spawn(
      process.execPath,
      ['--conditions=@codiff/source', '--import', 'tsx', 'scripts/evidence/main.ts', '--quick', '--out', folder],
      { cwd: ROOT },
    );
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
    }
    try {
      const code = await new Promise((resolve) => child.on('close', resolve));
      expect(code, output).toBe(0);
    } finally {
      rmSync(out, { recursive: true });
    }
  });
});
