import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FakeHome } from '../packages/engine/test/library/fake-home.js';

const script = fileURLToPath(new URL('setup.mjs', import.meta.url));
let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'codiff-setup-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

/** Runs set-up of this very clone in an empty home, without any Python. */
function setUp(...args: string[]) {
  const env = { HOME: home, PATH: join(home, 'nothing') };
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { env, encoding: 'utf8' });
  return { status, stdout, stderr };
}

/** A cache entry as a finished set-up leaves it. */
function fillCache(): void {
  const platform = `${process.platform}-${process.arch}`;
  const entry = join(home, '.cache', 'codiff', 'libtensorflow', `2.21.0-cpu-${platform}`);
  const [framework, cc] =
    process.platform === 'darwin'
      ? ['libtensorflow_framework.2.dylib', 'libtensorflow_cc.2.dylib']
      : ['libtensorflow_framework.so.2', 'libtensorflow_cc.so.2'];
  mkdirSync(join(entry, 'tensorflow'), { recursive: true });
  const files = [framework, cc].map((name) => ({ path: `tensorflow/${name}`, bytes: 3 }));
  for (const { path } of files) writeFileSync(join(entry, path), 'lib');
  writeFileSync(
    join(entry, 'codiff.json'),
    JSON.stringify({ format: 1, version: '2.21.0', build: 'cpu', platform, files, wheels: [] }),
  );
}

it('says nothing and takes under 0.3 s when nothing is to do', () => {
  fillCache();
  const times = Array.from({ length: 5 }, () => {
    const start = performance.now();
    expect(setUp()).toEqual({ status: 0, stdout: '', stderr: '' });
    return performance.now() - start;
  });
  // The best of five: other tests run beside this one.
  expect(Math.min(...times)).toBeLessThan(300);
});

it('stops after node_modules with --modules-only', () => {
  expect(setUp('--modules-only')).toEqual({ status: 0, stdout: '', stderr: '' });
});

it.skipIf(process.platform === 'win32')('names the three ways, once and without a stack, where there is no pip', () => {
  const { status, stderr } = setUp('--quiet');
  expect(status).toBe(1);
  expect(stderr).toMatch(/no pip was found.*LIBTENSORFLOW_DIR.*pip install tensorflow-cpu.*copy its cache folder/s);
  expect(stderr).not.toMatch(/\n\s+at /);
});

it('says what to do, without a stack, where the cache or the repository cannot be written', () => {
  writeFileSync(join(home, '.cache'), 'a file where a folder should be');
  const { status, stderr } = setUp('--quiet');
  expect(status).toBe(1);
  expect(stderr).toMatch(/the cache folder .* cannot be written \((EEXIST|ENOTDIR).*set XDG_CACHE_HOME/);
  expect(stderr).not.toMatch(/\n\s+at /);

  // A clone without node_modules, which are installed under a lock in its .cache.
  const clone = fileURLToPath(new URL('..', import.meta.url));
  for (const part of ['scripts/setup.mjs', 'scripts/setup', 'packages/engine/library'])
    cpSync(join(clone, part), join(home, part), { recursive: true });
  const env = { HOME: home, PATH: join(home, 'nothing') };
  const bare = spawnSync(process.execPath, [join(home, 'scripts', 'setup.mjs')], { env, encoding: 'utf8' });
  expect(bare.status).toBe(1);
  expect(bare.stderr).toMatch(
    /^set-up: the repository .* cannot be written \(EEXIST.*To go on, give yourself the right/,
  );
  expect(bare.stderr).not.toMatch(/\n\s+at /);
});

it('prints its usage, and refuses flags that it does not know or that exclude each other', () => {
  expect(setUp('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('--modules-only') });
  expect(setUp('--tpu')).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/set-up: Unknown option '--tpu'.*--modules-only/s),
  });
  expect(setUp('--cpu', '--gpu')).toMatchObject({ status: 1, stderr: 'set-up: --cpu and --gpu exclude each other\n' });
  expect(existsSync(join(home, '.cache'))).toBe(false);
});

it.skipIf(process.platform === 'win32')('clears up when it is interrupted, and ends as a shell expects', async () => {
  const fake = new FakeHome({ mode: 'hang' });
  try {
    const child = spawn(process.execPath, [script], { env: fake.env, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += chunk;
    });
    await expect.poll(() => fake.downloads().length, { timeout: 10_000 }).toBe(1);
    child.kill('SIGINT');
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(130);
    expect(said).toContain('set-up was stopped by SIGINT; nothing half done is left');
    expect(readdirSync(fake.cache)).toEqual([]);
  } finally {
    fake.remove();
  }
});
