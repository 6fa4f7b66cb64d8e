import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readElf } from '../../library/elf.mjs';
import { makeElf } from './fake-elf.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'codiff-elf-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const read = (bytes: Buffer) => {
  const path = join(dir, 'library.so');
  writeFileSync(path, bytes);
  return readElf(path);
};

it.each(['x64', 'arm64'] as const)('reads processor, run path and needed libraries, for %s', (arch) => {
  const needed = ['libcudart.so.12', 'libc.so.6'];
  expect(read(makeElf({ arch, runPath: '$ORIGIN/../nvidia/cudnn/lib', needed }))).toEqual({
    arch,
    runPath: '$ORIGIN/../nvidia/cudnn/lib',
    needed,
  });
});

it('reads a library without a run path, and one whose run path is longer than one read', () => {
  expect(read(makeElf({ arch: 'x64' }))).toEqual({ arch: 'x64', runPath: '', needed: ['libc.so.6'] });
  const runPath = '$ORIGIN/../a:'.repeat(1000);
  expect(read(makeElf({ arch: 'x64', runPath }))?.runPath).toBe(runPath);
});

it('knows no processor that Node does not run on', () => {
  expect(read(makeElf({ arch: 'riscv64' }))?.arch).toBeNull();
});

it.each([
  ['a text', Buffer.from('#!/bin/sh\necho this is no library at all, and long enough for a header\n')],
  ['an empty file', Buffer.alloc(0)],
  ['the first half of a header', makeElf().subarray(0, 32)],
  ['a library of 32 bits', Buffer.concat([Buffer.from([0x7f, 0x45, 0x4c, 0x46, 1, 1]), Buffer.alloc(100)])],
])('takes %s for no library', (_, bytes) => expect(read(bytes)).toBeNull());

it('a library that is cut after its header has nothing to tell but its processor', () => {
  expect(read(makeElf({ arch: 'x64', runPath: 'x' }).subarray(0, 100))).toEqual({
    arch: 'x64',
    runPath: '',
    needed: [],
  });
});
