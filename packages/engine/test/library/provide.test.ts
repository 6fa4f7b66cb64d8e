import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LibraryError, type ProvideOptions, provideLibrary, type WheelRow } from '../../library/index.mjs';
import { FakeHome, tensorflowFiles } from './fake-home.js';
import { fillDisk } from './full-disk.js';

let home: FakeHome;
let row: WheelRow;

beforeEach(() => {
  home = new FakeHome();
  row = home.addRow();
});
afterEach(() => home.remove());

/** What is left in the cache folder, sorted. */
const inCache = () => (existsSync(home.cache) ? readdirSync(home.cache).sort() : []);

async function failure(options: ProvideOptions): Promise<LibraryError> {
  const error = await provideLibrary(options).then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof LibraryError)) throw new Error(`wanted a LibraryError, came ${error}`);
  return error;
}

function expectThreeWays(error: LibraryError): void {
  expect(error.message).toContain('LIBTENSORFLOW_DIR');
  expect(error.message).toContain('pip install tensorflow-cpu');
  expect(error.message).toContain(`copy its cache folder to ${home.cache}`);
}

describe('provideLibrary', () => {
  it('downloads, verifies and unpacks only what is needed, then finds it without another download', async () => {
    const first = await provideLibrary(home.options([row]));
    expect(first.downloaded).toBe(true);
    expect(first.library).toMatchObject({ source: 'cache', version: '2.21.0', gpu: false });
    expect(readFileSync(first.library.cc).equals(tensorflowFiles('cpu')[2]!.data)).toBe(true);
    expect(readdirSync(first.library.dir).sort()).toEqual(['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2']);
    const second = await provideLibrary(home.options([row]));
    expect(second.downloaded).toBe(false);
    expect(second.library).toEqual(first.library);
    expect(home.downloads()).toEqual(['tensorflow-cpu==2.21.0']);
    expect(inCache()).toEqual(['2.21.0-cpu-linux-x64']);
  });

  it('keeps the cache where XDG_CACHE_HOME says, and ignores a relative one', async () => {
    const elsewhere = join(home.dir, 'elsewhere');
    const env = { ...home.env, XDG_CACHE_HOME: elsewhere };
    expect((await provideLibrary(home.options([row], { env }))).library.dir).toContain(join(elsewhere, 'codiff'));
    const relative = { ...home.env, XDG_CACHE_HOME: 'elsewhere' };
    expect((await provideLibrary(home.options([row], { env: relative }))).library.dir).toContain(home.cache);
  });

  it('refuses a corrupted wheel and leaves nothing', async () => {
    const file = join(home.index, row.wheels[0]?.file ?? '');
    const bytes = readFileSync(file);
    bytes[1000] = (bytes[1000] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    const error = await failure(home.options([row]));
    expect(error.code).toBe('hash-mismatch');
    expect(error.message).toContain(row.wheels[0]?.sha256);
    expectThreeWays(error);
    expect(inCache()).toEqual([]);
  });

  it('refuses a wheel that was cut', async () => {
    const file = join(home.index, row.wheels[0]?.file ?? '');
    writeFileSync(file, readFileSync(file).subarray(0, 5000));
    const error = await failure(home.options([row]));
    expect(error.code).toBe('hash-mismatch');
    expect(error.message).toContain(`it has 5000 bytes`);
  });

  it('refuses a pinned wheel without the libraries', async () => {
    const wheel = home.addWheel('tensorflow-cpu', tensorflowFiles('cpu').slice(0, 2));
    const error = await failure(home.options([{ ...row, wheels: [wheel] }]));
    expect(error.code).toBe('corrupt');
    expect(error.message).toContain('holds no tensorflow/libtensorflow_cc.so.2');
    expect(inCache()).toEqual([]);
  });

  it('names the three ways when there is no network', async () => {
    home.behave({ mode: 'offline' });
    const error = await failure(home.options([row]));
    expect(error.code).toBe('download-failed');
    expect(error.message).toContain('Temporary failure in name resolution');
    expectThreeWays(error);
    expect(inCache()).toEqual([]);
  });

  it('names the three ways when there is no pip', async () => {
    home.remove();
    home = new FakeHome(null);
    const error = await failure(home.options([home.addRow()]));
    expect(error.code).toBe('no-pip');
    expectThreeWays(error);
  });

  it('refuses a wheel whose hash nobody computed, by name and before any download', async () => {
    const wheels = row.wheels.map((wheel) => ({ ...wheel, sha256: null }));
    const error = await failure(home.options([{ ...row, wheels }]));
    expect(error.code).toBe('not-pinned');
    expect(error.message).toContain('tensorflow-cpu 2.21.0');
    expect(home.downloads()).toEqual([]);
  });

  it('says how much a full disk lacks, before any download', async () => {
    const error = await failure(home.options([row], { freeBytes: async () => 100_000 }));
    expect(error.code).toBe('disk-full');
    expect(error.message).toMatch(/needs \d+ kB .*100 kB are free/s);
    expect(home.downloads()).toEqual([]);
  });

  it('says so when the disk fills while pip writes', async () => {
    home.behave({ mode: 'full' });
    const error = await failure(home.options([row]));
    expect(error.code).toBe('disk-full');
    expect(inCache()).toEqual([]);
  });

  it.each(['ENOSPC', 'EDQUOT'] as const)(
    'says so when not even the lock finds room (%s), and leaves nothing',
    async (code) => {
      const end = fillDisk(code);
      const error = await failure(home.options([row], { freeBytes: async () => 0 })).finally(end);
      expect(error.code).toBe('disk-full');
      expect(error.message).toMatch(/the disk is full: .* needs \d+ kB .* 0 kB are free\. Free some space/);
      expectThreeWays(error);
      expect(inCache()).toEqual([]);
    },
  );

  it('says that a quota is used up where the disk has room', async () => {
    const end = fillDisk('EDQUOT');
    const error = await failure(home.options([row], { freeBytes: async () => 1e12 })).finally(end);
    expect(error.message).toContain('so a quota or the number of files is what is used up (EDQUOT)');
  });

  it('says what to do where the cache folder cannot be written', async () => {
    const file = join(home.dir, 'file');
    writeFileSync(file, '');
    const env = { ...home.env, XDG_CACHE_HOME: file };
    const words = new RegExp(
      `the cache folder ${file}/codiff/libtensorflow cannot be written \\(ENOTDIR.*set XDG_CACHE_HOME to a folder that can be written, or LIBTENSORFLOW_DIR`,
    );
    const error = await failure(home.options([row], { env }));
    expect([error.code, error.message]).toEqual(['not-writable', expect.stringMatching(words)]);
    expect(home.downloads()).toEqual([]);
    for (const build of ['cpu', 'auto'] as const)
      expect((await failure(home.options([row], { env, build }))).message).toMatch(words);
    // A library that is there already needs no cache.
    const { library } = await provideLibrary(home.options([row]));
    const found = await provideLibrary(home.options([row], { env: { ...env, LIBTENSORFLOW_DIR: library.dir } }));
    expect(found.library.source).toBe('LIBTENSORFLOW_DIR');
  });

  it('replaces a cache entry that lost a file', async () => {
    const { library } = await provideLibrary(home.options([row]));
    writeFileSync(library.cc, 'cut');
    const again = await provideLibrary(home.options([row]));
    expect(again.downloaded).toBe(true);
    expect(again.refused).toEqual([]);
    expect(statSync(library.cc).size).toBe(tensorflowFiles('cpu')[2]?.data.length);
    expect(inCache()).toEqual(['2.21.0-cpu-linux-x64']);
  });

  it('stops when asked to, and leaves nothing', async () => {
    home.behave({ mode: 'hang' });
    const controller = new AbortController();
    const running = provideLibrary(home.options([row], { signal: controller.signal }));
    setTimeout(() => controller.abort(new Error('enough')), 400);
    await expect(running).rejects.toThrow();
    expect(inCache()).toEqual([]);
  });

  it('refuses an old Python tensorflow with its version, and downloads instead', async () => {
    const dir = pythonTensorflow('2.15.1');
    home.behave({ mode: 'copy', tensorflow: dir });
    const notes: string[] = [];
    const progress = { start() {}, update() {}, end() {}, note: (line: string) => notes.push(line) };
    const { library, downloaded } = await provideLibrary(home.options([row], { progress }));
    expect(downloaded).toBe(true);
    expect(library.source).toBe('cache');
    expect(notes.join('\n')).toContain(`tensorflow 2.15.1 in ${dir} is too old: 2.16.0 or newer is wanted`);
  });

  it('names the old Python tensorflow in the error when nothing else is to be had', async () => {
    home.behave({ mode: 'offline', tensorflow: pythonTensorflow('2.15.1') });
    expect((await failure(home.options([row]))).message).toContain('tensorflow 2.15.1');
  });

  it('uses a Python tensorflow that is new enough', async () => {
    const dir = pythonTensorflow('2.17.0');
    home.behave({ mode: 'offline', tensorflow: dir });
    const { library, downloaded } = await provideLibrary(home.options([row]));
    expect(downloaded).toBe(false);
    expect(library).toMatchObject({ source: 'python', dir, version: '2.17.0', gpu: false });
  });

  function pythonTensorflow(version: string): string {
    const site = join(home.dir, 'site-packages');
    mkdirSync(join(site, 'tensorflow'), { recursive: true });
    mkdirSync(join(site, `tensorflow_cpu-${version}.dist-info`));
    writeFileSync(join(site, `tensorflow_cpu-${version}.dist-info`, 'METADATA'), `Version: ${version}`);
    for (const { name, data } of tensorflowFiles('cpu').slice(1, 3)) writeFileSync(join(site, name), data);
    return join(site, 'tensorflow');
  }
});

describe('builds', () => {
  it('takes the CUDA build where there is a driver, all wheels side by side, programs executable', async () => {
    const { library } = await provideLibrary(home.options([row, home.addRow('gpu')], { hasDriver: true }));
    expect(library).toMatchObject({ gpu: true, source: 'cache' });
    const nvidia = join(library.dir, '..', 'nvidia');
    expect(existsSync(join(nvidia, 'cublas', 'lib', 'libcublas.so.12'))).toBe(true);
    expect(existsSync(join(nvidia, 'cublas', 'include'))).toBe(false);
    expect(statSync(join(nvidia, 'cuda_nvcc', 'bin', 'ptxas')).mode & 0o111).toBe(0o111);
    expect(home.downloads()).toEqual(['tensorflow==2.21.0', 'nvidia-cublas-cu12==2.21.0']);
  });

  it('remembers a forced build until told to forget', async () => {
    const table = [row, home.addRow('gpu')];
    await provideLibrary(home.options(table, { build: 'cpu', hasDriver: true }));
    await provideLibrary(home.options(table, { hasDriver: true }));
    expect(inCache()).toEqual(['2.21.0-cpu-linux-x64', 'build']);
    expect((await provideLibrary(home.options(table, { build: 'gpu' }))).library.gpu).toBe(true);
    expect((await provideLibrary(home.options(table))).library.gpu).toBe(true);
    expect((await provideLibrary(home.options(table, { build: 'auto' }))).library.gpu).toBe(false);
  });

  it('does not pretend that --gpu works when LIBTENSORFLOW_DIR names a CPU build', async () => {
    const { library } = await provideLibrary(home.options([row]));
    const env = { ...home.env, LIBTENSORFLOW_DIR: library.dir };
    const error = await failure(home.options([row], { env, build: 'gpu' }));
    expect(error.message).toContain('LIBTENSORFLOW_DIR, which comes first, names a build without CUDA');
  });

  it('says what to do on Windows', async () => {
    const error = await failure(home.options([row], { platform: 'win32' }));
    expect(error.code).toBe('unsupported-platform');
    expect(error.message).toMatch(/WSL2.*LIBTENSORFLOW_DIR/s);
  });

  it.each([
    ['linux', 'riscv64', 'cpu'],
    ['darwin', 'x64', 'cpu'],
    ['linux', 'arm64', 'gpu'],
  ] as const)('says which builds there are on %s %s (%s)', async (platform, arch, build) => {
    const error = await failure(home.options([row], { platform, arch, build }));
    expect(error.code).toBe('unsupported-platform');
    expect(error.message).toContain(`no ${build} build is pinned for ${platform}-${arch}; there are linux-x64 (cpu)`);
    expect(error.message).toContain('LIBTENSORFLOW_DIR');
  });
});

describe('several processes', () => {
  const program = fileURLToPath(new URL('provide-in-process.mjs', import.meta.url));
  const start = (): ChildProcess =>
    spawn(process.execPath, [program, JSON.stringify(home.options([row]))], { stdio: ['ignore', 'pipe', 'inherit'] });

  async function result(child: ChildProcess): Promise<{ dir: string; downloaded: boolean; notes: string[] }> {
    let output = '';
    child.stdout?.on('data', (chunk) => {
      output += chunk;
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(code).toBe(0);
    return JSON.parse(output);
  }

  it('downloads once when two set-ups start at once', async () => {
    const results = await Promise.all([result(start()), result(start())]);
    expect(results.map(({ downloaded }) => downloaded).sort()).toEqual([false, true]);
    expect(results.find(({ downloaded }) => !downloaded)?.notes.join()).toContain('another set-up (process');
    expect(home.downloads()).toHaveLength(1);
    expect(inCache()).toEqual(['2.21.0-cpu-linux-x64']);
  });

  it('a killed set-up leaves no library, and the next one clears up and completes', async () => {
    home.behave({ mode: 'hang' });
    const child = start();
    await expect.poll(() => home.downloads().length, { timeout: 10_000 }).toBe(1);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.on('close', resolve));
    expect(inCache().filter((name) => name.startsWith('2.21'))).toEqual([]);
    expect(inCache().length).toBe(2);
    home.behave({ mode: 'copy' });
    expect((await provideLibrary(home.options([row]))).downloaded).toBe(true);
    expect(inCache()).toEqual(['2.21.0-cpu-linux-x64']);
  });
});
