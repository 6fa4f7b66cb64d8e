import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FindOptions, findLibrary, provideLibrary, searchLibrary } from '../../library/index.mjs';
import { makeElf } from './fake-elf.js';
import { FakeHome } from './fake-home.js';

let home: FakeHome;
beforeEach(() => {
  home = new FakeHome();
});
afterEach(() => home.remove());

const find = (env: NodeJS.ProcessEnv = {}, more: FindOptions = {}) =>
  findLibrary({ env: { ...home.env, ...env }, platform: 'linux', arch: 'x64', hasDriver: false, ...more });

/** Writes files below the home; names ending in .h hold text, the others a library. */
function lay(folder: string, names: string[], elf: Buffer = makeElf({ arch: 'x64' })): string {
  for (const name of names) {
    const path = join(home.dir, folder, name);
    mkdirSync(join(path, '..'), { recursive: true });
    const header = '#define TF_MAJOR_VERSION 2\n#define TF_MINOR_VERSION 18\n#define TF_PATCH_VERSION 1\n';
    writeFileSync(path, name.endsWith('.h') ? header : elf);
  }
  return join(home.dir, folder);
}

const wheelNames = ['libtensorflow_framework.so.2', 'libtensorflow_cc.so.2'];
const archiveNames = ['libtensorflow_framework.so.2', 'libtensorflow.so.2'];

describe('LIBTENSORFLOW_DIR', () => {
  it("takes a Python environment's tensorflow folder, with the version that pip recorded", () => {
    const dir = lay('site/tensorflow', wheelNames);
    lay('site/tensorflow_cpu-2.19.1.dist-info', ['METADATA']);
    lay('site/tensorflow_metadata-1.17.0.dist-info', ['METADATA']);
    expect(find({ LIBTENSORFLOW_DIR: dir })).toEqual({
      dir,
      source: 'LIBTENSORFLOW_DIR',
      version: '2.19.1',
      gpu: false,
      framework: join(dir, 'libtensorflow_framework.so.2'),
      cc: join(dir, 'libtensorflow_cc.so.2'),
      why: 'LIBTENSORFLOW_DIR names it',
    });
  });

  it('takes an unpacked C archive, with the version of its headers', () => {
    const dir = lay('archive', [
      ...archiveNames.map((name) => `lib/${name}`),
      'include/tensorflow/core/public/release_version.h',
    ]);
    expect(find({ LIBTENSORFLOW_DIR: dir })).toMatchObject({
      dir: join(dir, 'lib'),
      version: '2.18.1',
      cc: join(dir, 'lib/libtensorflow.so.2'),
    });
  });

  it("takes tfjs-node's deps/lib, with the version in the file's name", () => {
    const dir = lay('deps/lib', ['libtensorflow_framework.so.2', 'libtensorflow.so.2.9.1']);
    symlinkSync('libtensorflow.so.2.9.1', join(dir, 'libtensorflow.so.2'));
    expect(find({ LIBTENSORFLOW_DIR: dir })).toMatchObject({ dir, version: '2.9.1' });
  });

  it('knows a CUDA build by its run path', () => {
    const dir = lay(
      'gpu',
      wheelNames,
      makeElf({ arch: 'x64', runPath: `${'$ORIGIN/:'.repeat(1000)}$ORIGIN/../nvidia/cudnn/lib` }),
    );
    expect(find({ LIBTENSORFLOW_DIR: dir })).toMatchObject({ gpu: true, version: null });
  });

  it('comes before the cache', async () => {
    await provideLibrary(home.options([home.addRow()]));
    expect(find()).toMatchObject({ source: 'cache' });
    expect(find({ LIBTENSORFLOW_DIR: lay('own', wheelNames) })).toMatchObject({ source: 'LIBTENSORFLOW_DIR' });
  });

  it.each([
    ['a folder that is not there', [], /does not exist; wanted is a folder with libtensorflow_framework\.so\.2/],
    [
      'one library only',
      ['libtensorflow_cc.so.2'],
      /does not hold libtensorflow_framework\.so\.2 and libtensorflow_cc\.so\.2/,
    ],
  ])('refuses %s instead of looking elsewhere', (_, names, message) => {
    expect(() => find({ LIBTENSORFLOW_DIR: lay('broken', names) })).toThrow(message);
  });

  it('refuses a library for another processor, and a file that is no library', () => {
    const other = lay('other', wheelNames, makeElf({ arch: 'arm64' }));
    expect(() => find({ LIBTENSORFLOW_DIR: other })).toThrow(/is built for arm64, this Node is x64/);
    const text = lay('text', wheelNames, Buffer.from('not found'.repeat(100)));
    expect(() => find({ LIBTENSORFLOW_DIR: text })).toThrow(/is not a 64-bit Linux library/);
  });

  it('looks for the names of the system', () => {
    const mac = lay('mac', ['libtensorflow_framework.2.dylib', 'libtensorflow_cc.2.dylib']);
    expect(find({ LIBTENSORFLOW_DIR: mac }, { platform: 'darwin', arch: 'arm64' })?.cc).toBe(
      join(mac, 'libtensorflow_cc.2.dylib'),
    );
    const windows = lay('windows', ['lib/tensorflow.dll']);
    expect(find({ LIBTENSORFLOW_DIR: windows }, { platform: 'win32' })?.framework).toBe(
      join(windows, 'lib', 'tensorflow.dll'),
    );
    expect(() => find({ LIBTENSORFLOW_DIR: mac }, { platform: 'sunos' })).toThrow(
      /no libtensorflow is known for the system 'sunos'/,
    );
  });
});

describe('the cache', () => {
  it('answers in well under 50 ms', async () => {
    await provideLibrary(home.options([home.addRow()]));
    const times = Array.from({ length: 5 }, () => {
      const start = performance.now();
      expect(find()).not.toBeNull();
      return performance.now() - start;
    });
    expect(Math.min(...times)).toBeLessThan(50);
  });

  it('prefers the CUDA build where there is a driver, and takes the other one rather than none', async () => {
    const table = [home.addRow(), home.addRow('gpu')];
    await provideLibrary(home.options(table, { build: 'cpu' }));
    await provideLibrary(home.options(table, { build: 'auto' }));
    expect(find({}, { hasDriver: true })).toMatchObject({ gpu: false });
    await provideLibrary(home.options(table, { build: 'gpu' }));
    await provideLibrary(home.options(table, { build: 'auto' }));
    expect(find({}, { hasDriver: true })).toMatchObject({ gpu: true });
    expect(find({}, { hasDriver: false })).toMatchObject({ gpu: false });
  });

  it('does not trust a folder without its marker, and says so', async () => {
    mkdirSync(join(home.cache, '2.21.0-cpu-linux-x64'), { recursive: true });
    lay('.cache/codiff/libtensorflow/2.21.0-cpu-linux-x64/tensorflow', wheelNames);
    const { library, refused } = searchLibrary({ env: home.env, platform: 'linux', arch: 'x64', hasDriver: false });
    expect(library).toBeNull();
    expect(refused.join()).toContain('2.21.0-cpu-linux-x64 is incomplete or altered');
  });
});

describe('Python', () => {
  it('is asked last, and a package without libraries or without a version is refused by name', () => {
    home.behave({ mode: 'offline', tensorflow: lay('bare/tensorflow', ['__init__.py']) });
    const search = () => searchLibrary({ env: home.env, platform: 'linux', arch: 'x64', hasDriver: false });
    expect(search().refused.join()).toMatch(
      /python3's tensorflow of unknown version in .* has no libtensorflow_cc\.so\.2/,
    );
    home.behave({ mode: 'offline', tensorflow: lay('nameless/tensorflow', wheelNames) });
    expect(search().refused.join()).toContain('of unknown version');
    expect(search().library).toBeNull();
  });

  it('finds nothing where no Python runs', () => {
    home.remove();
    home = new FakeHome(null);
    expect(find()).toBeNull();
  });

  const python = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' });
  it.skipIf(python.status !== 0)('is not made to import the package (skipped where there is no python3)', () => {
    // The real Python, whose tensorflow would fail at once if it were imported.
    const dir = lay('site/tensorflow', wheelNames);
    writeFileSync(join(dir, '__init__.py'), 'raise SystemExit("imported")');
    lay('site/tensorflow-2.20.0.dist-info', ['METADATA']);
    const env = { HOME: home.dir, PATH: join(python.stdout.trim(), '..'), PYTHONPATH: join(home.dir, 'site') };
    expect(findLibrary({ env, platform: 'linux', arch: 'x64', hasDriver: false })).toMatchObject({
      source: 'python',
      dir,
      version: '2.20.0',
    });
  });
});
