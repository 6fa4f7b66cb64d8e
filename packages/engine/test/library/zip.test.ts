import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { extractEntry, readZipDirectory } from '../../library/zip.mjs';
import { type FakeFile, makeZip } from './fake-zip.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'codiff-zip-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const text = Buffer.from('All work and no play makes Jack a dull boy. '.repeat(100_000));

async function unpack(bytes: Buffer, onBytes?: (bytes: number) => void): Promise<string[]> {
  const path = join(dir, 'archive.zip');
  writeFileSync(path, bytes);
  const entries = await readZipDirectory(path);
  for (const entry of entries) await extractEntry(path, entry, join(dir, 'out'), onBytes ? { onBytes } : {});
  return entries.map(({ name }) => name);
}

const one = (file: Partial<FakeFile>): Buffer => makeZip([{ name: 'a.txt', data: text, ...file }]);

describe('zip', () => {
  it.each([
    ['32-bit records', { zip64: false }],
    ['zip64 records', { zip64: true }],
    ['a comment at the end', { comment: 'PK\u0005\u0006 is no end record when nothing follows' }],
  ])('unpacks stored, deflated and empty files from %s', async (_, options) => {
    const files: FakeFile[] = [
      { name: 'deep/er/text.txt', data: text },
      { name: 'folder/', data: Buffer.alloc(0), stored: true },
      { name: 'stored.bin', data: text.subarray(0, 3000), stored: true },
      { name: 'empty', data: Buffer.alloc(0), stored: true },
      { name: 'run', data: Buffer.from('#!'), mode: 0o755 },
    ];
    let bytes = 0;
    const names = await unpack(makeZip(files, options), (more) => {
      bytes += more;
    });
    expect(names).toEqual(['deep/er/text.txt', 'stored.bin', 'empty', 'run']);
    expect(readFileSync(join(dir, 'out', 'deep/er/text.txt')).equals(text)).toBe(true);
    expect(readFileSync(join(dir, 'out', 'stored.bin')).equals(text.subarray(0, 3000))).toBe(true);
    expect(statSync(join(dir, 'out', 'empty')).size).toBe(0);
    expect(statSync(join(dir, 'out', 'run')).mode & 0o111).not.toBe(0);
    expect(statSync(join(dir, 'out', 'stored.bin')).mode & 0o111).toBe(0);
    expect(bytes).toBe(text.length + 3000 + 2);
  });

  it.each(['../outside', 'a/../../outside', '/etc/outside', 'C:\\outside', '..\\outside'])(
    'refuses the path %s',
    async (name) => {
      await expect(unpack(one({ name }))).rejects.toThrow(/would be written outside its folder/);
    },
  );

  it('refuses wrong checksums, encryption, foreign methods, and archives that are cut or none', async () => {
    await expect(unpack(one({ crc: 12345 }))).rejects.toThrow(/its directory says \d+ and 12345/);
    await expect(unpack(one({ name: 'b', flags: 1 }))).rejects.toThrow(/encrypted/);
    await expect(unpack(one({ name: 'c' }).subarray(0, 2000))).rejects.toThrow(/has no end record/);
    await expect(unpack(Buffer.from('no zip'))).rejects.toThrow(/has no end record/);
    const damaged = one({ name: 'd' });
    damaged.fill(0xff, 100, 400);
    await expect(unpack(damaged)).rejects.toThrow(/is not a whole zip archive: 'd'/);
    const headless = one({ name: 'e' });
    headless.fill(0, 0, 4);
    await expect(unpack(headless)).rejects.toThrow(/has no local header/);
    // The end record points past the file.
    const lost = one({ name: 'f' });
    lost.writeUInt32LE(0x7fffffff, lost.length - 6);
    await expect(unpack(lost)).rejects.toThrow(/points outside the file/);
  });

  it('stops when asked to', async () => {
    const path = join(dir, 'archive.zip');
    writeFileSync(path, one({}));
    const [entry] = await readZipDirectory(path);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(extractEntry(path, entry!, join(dir, 'out'), { signal })).rejects.toThrow('enough');
  });
});
