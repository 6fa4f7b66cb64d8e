import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packArchive } from './archive.mjs';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'codiff-archive-'));
  writeFileSync(join(dir, 'here'), 'text');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const pack = (files: string[], compress: string) =>
  packArchive('x.y', { root: dir, files, out: join(dir, 'out'), compress, pieceBytes: 2 ** 20 });

describe.skipIf(process.platform === 'win32')('packArchive', () => {
  it('names pieces after the archive and what compressed it', async () => {
    expect((await pack(['here'], 'xz')).map(({ file }) => file)).toEqual(['x.y.tar.xz.0000']);
  });

  it('fails when a file is missing, instead of packing the others', async () => {
    await expect(pack(['here', 'gone'], 'xz')).rejects.toThrow(/^tar ended with 2/);
  });

  it('knows its compressors', async () => {
    await expect(pack(['here'], 'rar')).rejects.toThrow("'rar' is not one of xz, zstd, which can compress");
  });
});
