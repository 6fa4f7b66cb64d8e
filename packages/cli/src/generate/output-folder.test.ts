import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../input-error.js';
import { OutputFolder } from './output-folder.js';

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'codiff-out-'));
});
afterAll(() => rm(root, { recursive: true }));

describe('OutputFolder', () => {
  it('is made, written to, and leaves no other files', async () => {
    const folder = await OutputFolder.open(join(root, 'a/b/c'));
    await folder.write('x.png', Uint8Array.of(1, 2));
    await folder.write('x.png', Uint8Array.of(3));
    expect(folder.files).toEqual([join(root, 'a/b/c/x.png')]);
    expect(await readdir(folder.path)).toEqual(['x.png']);
    expect([...(await readFile(folder.files[0]!))]).toEqual([3]);
    await folder.discardIfEmpty();
    expect(existsSync(folder.path)).toBe(true);
  });

  it('goes again if nothing was written, but not what was there before', async () => {
    await mkdir(join(root, 'kept'));
    const folder = await OutputFolder.open(join(root, 'kept/new/deep'));
    await folder.discardIfEmpty();
    expect(await readdir(join(root, 'kept'))).toEqual([]);
  });

  it('is refused where the disk is too full, and is not left behind', async () => {
    const opening = OutputFolder.open(join(root, 'full/x'), Number.MAX_SAFE_INTEGER);
    await expect(opening).rejects.toThrow(InputError);
    await expect(opening).rejects.toThrow(/the disk is full: .* MB; make room, or give another --save_folder/);
    expect(existsSync(join(root, 'full'))).toBe(false);
  });

  it('is refused where a file is in the way', async () => {
    await writeFile(join(root, 'file'), '');
    await expect(OutputFolder.open(join(root, 'file'))).rejects.toThrow(/a part of its path is a file|in the way/);
    await expect(OutputFolder.open(join(root, 'file/x'))).rejects.toThrow(InputError);
  });

  it.skipIf(process.platform !== 'linux')('is refused where the system keeps folders from being made', async () => {
    await expect(OutputFolder.open('/proc/codiff/x')).rejects.toThrow(
      /cannot be written: .*; give another --save_folder/,
    );
  });
});
