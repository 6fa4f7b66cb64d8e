import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeLibraries, usualFolders, withMachineLibraries } from './machine-libraries.mjs';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'codiff-machine-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const lay = (path: string, text = ''): string => {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), text, { mode: 0o755 });
  return dirname(join(dir, path));
};

describe('withMachineLibraries', () => {
  it("adds the machine's folders of what was not sent, and no others", () => {
    const libraryDir = join(dir, 'library/tensorflow');
    lay('library/nvidia/cublas/lib/libcublas.so.12');
    const [cudnn, bin] = [lay('site/cudnn/lib/libcudnn.so.9'), lay('cuda/bin/ptxas')];
    const other = lay('site/cublas/lib/libcublas.so.12');
    const { env, libraries } = withMachineLibraries({
      libraryDir,
      env: { LD_LIBRARY_PATH: join(dir, 'before'), PATH: join(dir, 'programs') },
      folders: [other, cudnn, bin],
      linkerCache: '',
    });
    expect(env.LD_LIBRARY_PATH).toBe([cudnn, join(dir, 'before')].join(delimiter));
    expect(env.PATH).toBe([bin, join(dir, 'programs')].join(delimiter));
    expect(env.LIBTENSORFLOW_DIR).toBe(libraryDir);
    const lines = describeLibraries(libraries, libraryDir);
    expect(lines).toContain(`libcudnn.so.9 (convolutions): the machine's, ${join(cudnn, 'libcudnn.so.9')}`);
    expect(lines).toContain('libcublas.so.12 (matrix products): sent');
    expect(lines).toContain('libnccl.so.2 (several cards): missing');
  });

  it('leaves the environment alone where the machine has nothing', () => {
    const { env } = withMachineLibraries({ libraryDir: dir, env: { PATH: 'p' }, folders: [], linkerCache: '' });
    expect(env).toEqual({ PATH: 'p', LIBTENSORFLOW_DIR: dir });
  });
});

describe('usualFolders', () => {
  it("are those of Python's NVIDIA packages, then of toolkits, the newest first", () => {
    const site = join(dir, 'site');
    const cudnn = lay('site/nvidia/cudnn/lib/libcudnn.so.9');
    const [old, recent] = [lay('local/cuda-12.4/lib64/x'), lay('local/cuda-12.9/lib64/x')];
    lay('local/other/lib64/x');
    const bin = lay('bin/python3', `#!/bin/sh\necho '${site}'\n`);
    expect(usualFolders({ PATH: bin }, join(dir, 'local'))).toEqual([cudnn, recent, old]);
  });

  it('are none on a machine without Python and toolkits', () => {
    expect(usualFolders({ PATH: dir }, join(dir, 'nowhere'))).toEqual([]);
  });
});
