import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DataError } from './data-error.js';
import { writeFolder } from './folder-writer.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'folder-writer-'));
});
afterEach(() => rmSync(root, { recursive: true }));

describe('writeFolder', () => {
  it('puts the whole folder in its place, also where an empty one is', async () => {
    const out = join(root, 'deep', 'out');
    mkdirSync(out, { recursive: true });
    await writeFolder(out, (folder) => writeFile(join(folder, 'a.txt'), 'whole'));
    expect(readFileSync(join(out, 'a.txt'), 'utf8')).toBe('whole');
    expect(readdirSync(join(root, 'deep'))).toEqual(['out']);
  });

  it('says where and what to do when the disk is full, and leaves nothing', async () => {
    const out = join(root, 'out');
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    const writing = writeFolder(out, async (folder) => {
      writeFileSync(join(folder, 'a.txt'), 'part');
      throw full;
    });
    await expect(writing).rejects.toMatchObject({ name: 'DataError', cause: full });
    await expect(writing).rejects.toThrow(`${out}: the disk is full; nothing was left there; make room, or give`);
    expect(readdirSync(root)).toEqual([]);
  });

  it('hands on any other fault', async () => {
    const fault = new TypeError('not drawn');
    await expect(writeFolder(join(root, 'out'), () => Promise.reject(fault))).rejects.toBe(fault);
    expect(readdirSync(root)).toEqual([]);
  });

  it('refuses a folder that holds anything, and removes what a process that is gone left beside it', async () => {
    const out = join(root, 'out');
    mkdirSync(join(root, '.out.99999999.partial'));
    await writeFolder(out, (folder) => writeFile(join(folder, 'a.txt'), ''));
    expect(readdirSync(root)).toEqual(['out']);
    await expect(writeFolder(out, async () => undefined)).rejects.toThrow(DataError);
    await expect(writeFolder(out, async () => undefined)).rejects.toThrow('is there already and not an empty folder');
  });
});
