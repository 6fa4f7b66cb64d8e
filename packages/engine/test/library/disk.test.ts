import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isFull, makeFolder, notWritable } from '../../library/disk.mjs';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'codiff-disk-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const words = { what: 'the folder', advice: 'choose another' };
const systemError = (code: string, path?: string) => Object.assign(new Error(code), { code, path });

/** The code with which a folder cannot be made. */
function refusalOf(path: string): string | undefined {
  try {
    makeFolder(path);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
  return undefined;
}

it('makes a folder and those above it, and finds them made', () => {
  const deep = join(dir, 'a', 'b', 'c');
  for (const path of [deep, deep, join(dir, 'a')]) makeFolder(path);
  expect(existsSync(deep)).toBe(true);
});

it('says why a folder cannot be made', () => {
  writeFileSync(join(dir, 'file'), '');
  expect(refusalOf(join(dir, 'file'))).toBe('EEXIST');
  expect(refusalOf(join(dir, 'file', 'a', 'b'))).toBe('ENOTDIR');
  symlinkSync(join(dir, 'nowhere'), join(dir, 'broken'));
  expect(refusalOf(join(dir, 'broken', 'a'))).toBe('EEXIST');
});

it.skipIf(process.platform !== 'linux')('comes back where a folder that exists says that it is missing', () => {
  expect(refusalOf('/proc/codiff/cache')).toBe('ENOENT');
});

it.each(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'ENOENT'])(
  '%s: says what cannot be written, and why',
  (code) => {
    const error = notWritable(systemError(code, join(dir, 'lock')), dir, words);
    expect(error?.code).toBe('not-writable');
    expect(error?.message).toMatch(
      /^the folder .* cannot be written \(\w+, at .*lock\): [\w -]+\. To go on, choose another$/,
    );
    expect(error?.message).toContain(`${dir} cannot be written (${code}`);
  },
);

it('takes the folders above for its own, and leaves the errors of others alone', () => {
  const below = join(dir, 'a', 'b');
  mkdirSync(below, { recursive: true });
  expect(notWritable(systemError('EACCES', join(dir, 'a')), below, words)?.message).toContain(`at ${join(dir, 'a')})`);
  for (const other of [
    systemError('ENOENT', 'npm'),
    systemError('ENOENT'),
    systemError('EIO', below),
    new Error(),
    null,
  ])
    expect(notWritable(other, below, words)).toBeNull();
});

it('tells a full disk from another error', () => {
  expect(['ENOSPC', 'EDQUOT', 'EACCES'].map((code) => isFull(systemError(code)))).toEqual([true, true, false]);
  expect(isFull(undefined)).toBe(false);
});
