import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { cudaLibraries, findCudaLibraries, nvidiaCards, nvidiaDriver } from '../../library/index.mjs';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'codiff-nvidia-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const lay = (path: string, content = '') => {
  mkdirSync(join(dir, path, '..'), { recursive: true });
  writeFileSync(join(dir, path), content);
  return join(dir, path);
};

it.each([
  [
    'NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\nGCC version: gcc 12.2.0',
    '550.54.15',
  ],
  ['NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.124.06  Release Build  (root@host)', '570.124.06'],
])('reads the driver version from %s', (text, version) => {
  lay('driver/nvidia/version', text);
  expect(nvidiaDriver({ proc: dir, nvidiaSmi: null })).toBe(version);
});

it('asks nvidia-smi when the file does not say, and knows that there is none', () => {
  lay('driver/nvidia/version', 'something else');
  const program = join(dir, 'smi');
  writeFileSync(program, '#!/bin/sh\necho 535.86\n', { mode: 0o755 });
  expect(nvidiaDriver({ proc: dir, nvidiaSmi: program })).toBe('535.86');
  writeFileSync(program, '#!/bin/sh\nexit 9\n', { mode: 0o755 });
  expect(nvidiaDriver({ proc: dir, nvidiaSmi: program })).toBeNull();
  expect(nvidiaDriver({ proc: join(dir, 'nowhere'), nvidiaSmi: null })).toBeNull();
});

it('lists the cards', () => {
  expect(nvidiaCards(dir)).toEqual([]);
  lay('driver/nvidia/gpus/0000:01:00.0/information', 'Model: \t\t NVIDIA H200\nIRQ: 12\n');
  lay('driver/nvidia/gpus/0000:02:00.0/information', 'IRQ: 12\n');
  expect(nvidiaCards(dir)).toEqual(['NVIDIA H200', 'unknown card at 0000:02:00.0']);
});

it('finds each CUDA library beside libtensorflow, on the search path, in the linker cache, or names it missing', () => {
  const beside = lay('nvidia/cudnn/lib/libcudnn.so.9');
  const onPath = lay('cuda/libcublas.so.12');
  const ptxas = lay('bin/ptxas');
  const found = findCudaLibraries({
    libraryDir: join(dir, 'tensorflow'),
    env: { LD_LIBRARY_PATH: join(dir, 'cuda'), PATH: join(dir, 'bin') },
    linkerCache: '\tlibnccl.so.2 (libc6,x86-64) => /usr/lib/libnccl.so.2\n\tlibcublasLt.so.120 => /usr/lib/other\n',
  });
  expect(found.map(({ name }) => name)).toEqual(cudaLibraries.map(({ name }) => name));
  const paths = Object.fromEntries(found.map(({ name, path }) => [name, path]));
  expect(paths).toMatchObject({
    'libcudnn.so.9': beside,
    'libcublas.so.12': onPath,
    'libnccl.so.2': '/usr/lib/libnccl.so.2',
    'libcublasLt.so.12': null,
    'libcudart.so.12': null,
    ptxas,
  });
});

it('knows without a library folder too', () => {
  expect(findCudaLibraries({ libraryDir: null, env: {}, linkerCache: '' }).every(({ path }) => path === null)).toBe(
    true,
  );
});
