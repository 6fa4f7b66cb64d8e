import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { doctorCommand } from './command.mjs';
import { describeGpu, isOlder, loadFinder } from './library.mjs';
import { type Findings, formatReport, judge } from './report.mjs';
import { checkSpeed, skipped } from './speed.mjs';
import { containerLimits, cpuFeatures, describeSystem } from './system.mjs';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'codiff-doctor-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function lay(path: string, content: string): string {
  mkdirSync(join(dir, path, '..'), { recursive: true });
  writeFileSync(join(dir, path), content);
  return join(dir, path);
}

describe('the system', () => {
  it('names the processor features that matter, present or not', () => {
    const x64 = cpuFeatures('processor: 0\nflags\t\t: fpu avx avx2 fma avx512_bf16 amx_tile\nbugs: x', 'x64');
    expect(x64).toMatchObject({
      avx: true,
      avx2: true,
      avx512f: false,
      avx512_bf16: true,
      amx_tile: true,
      amx_bf16: false,
    });
    expect(cpuFeatures('Features\t: fp asimd bf16', 'arm64')).toMatchObject({ asimd: true, bf16: true, sve: false });
    expect(cpuFeatures('', 'x64')).toBeNull();
    expect(cpuFeatures('flags: avx', 'riscv64')).toBeNull();
  });

  it('reads the limits of a container, in both versions of control groups', () => {
    expect(containerLimits(dir)).toEqual({ cpus: null, memoryBytes: null });
    lay('fs/cgroup/cpu.max', '150000 100000\n');
    lay('fs/cgroup/memory.max', '2147483648\n');
    expect(containerLimits(dir)).toEqual({ cpus: 1.5, memoryBytes: 2 ** 31 });
    lay('fs/cgroup/cpu.max', 'max 100000\n');
    lay('fs/cgroup/memory.max', 'max\n');
    expect(containerLimits(dir)).toEqual({ cpus: null, memoryBytes: null });
    lay('old/fs/cgroup/cpu/cpu.cfs_quota_us', '50000\n');
    lay('old/fs/cgroup/cpu/cpu.cfs_period_us', '100000\n');
    lay('old/fs/cgroup/memory/memory.limit_in_bytes', '9223372036854771712\n');
    expect(containerLimits(join(dir, 'old'))).toEqual({ cpus: 0.5, memoryBytes: null });
  });

  it('shows the variables that change threads and memory', () => {
    lay('kernel/mm/transparent_hugepage/enabled', 'always [madvise] never\n');
    const env = { OMP_NUM_THREADS: '1', GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1', HOME: '/nowhere' };
    const found = describeSystem({ env, sys: dir });
    expect(found.threads).toEqual({ available: expect.any(Number), variables: { OMP_NUM_THREADS: '1' } });
    expect(found.malloc).toEqual({
      variables: { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' },
      transparentHugePages: 'madvise',
    });
  });
});

describe('the speed check', () => {
  const mode = { kind: 'dist' as const, nodeArgs: [], main: '' };
  const checkWith = (program: string, timeoutMs = 20_000) =>
    checkSpeed({ env: process.env, mode, script: lay('check.mjs', program), timeoutMs });

  it('takes the last line that the program printed', async () => {
    const said = { device: 'cpu', devices: ['cpu'], libraryVersion: '2.21.0', why: 'because', rows: [] };
    expect(await checkWith(`console.log('chatter\\n' + ${JSON.stringify(JSON.stringify(said))})`)).toEqual({
      skipped: null,
      ...said,
    });
  });

  it.each([
    ['throws', `throw new Error('no such symbol')`, /ended with exit code 1: .*no such symbol/s],
    ['prints nothing of use', `console.log('hm')`, /printed no result: hm/],
    ['is ended by a signal', `process.kill(process.pid, 'SIGABRT')`, /ended with SIGABRT: it said nothing/],
  ])('says what happened when the program %s', async (_, program, message) => {
    expect((await checkWith(program)).skipped).toMatch(message);
  });

  it('does not wait for ever', async () => {
    expect((await checkWith(`setInterval(() => {}, 1000)`, 300)).skipped).toMatch(/took more than 0\.3 s/);
  });

  it('says why the engine cannot be started at all', async () => {
    const none = { kind: 'none', message: 'nothing is built' } as const;
    expect(await checkSpeed({ env: {}, mode: none })).toEqual(skipped('nothing is built'));
  });
});

/** Findings of a machine where all is well, with changes. */
async function findings(changes: Partial<Findings> = {}): Promise<Findings> {
  const finder = await loadFinder();
  const library = {
    pinned: '2.21.0',
    found: {
      dir: '/lib',
      source: 'cache',
      version: '2.21.0',
      gpu: false,
      framework: '/lib/f',
      cc: '/lib/c',
      why: 'the cpu build in the user cache',
    },
    refused: [],
    error: null,
  } as const;
  const gpu = describeGpu(finder, {
    env: {},
    libraryDir: null,
    gpuBuild: false,
    proc: dir,
    linkerCache: '',
    nvidiaSmi: null,
  });
  const speed = {
    ...skipped('x'),
    skipped: null,
    device: 'cpu',
    devices: ['cpu'],
    why: 'no GPU',
    rows: [{ name: 'matmul', shape: '2 x 2', gflops: 99, medianGflops: 98 }],
  };
  const system = describeSystem({ env: {} });
  return {
    ...system,
    node: { ...system.node, tested: true },
    library: { ...library, refused: [] },
    gpu,
    speed,
    ...changes,
  };
}

describe('the report', () => {
  it('says that the engine can run, with its speed', async () => {
    const all = await findings();
    expect(judge(all)).toEqual({ problems: [], advice: [] });
    const text = formatReport(all, judge(all));
    expect(text).toMatch(/^libtensorflow {2}2\.21\.0, CPU build, \/lib$/m);
    expect(text).toMatch(/^speed {10}matmul 2 x 2: 99 GFLOP\/s, median 98$/m);
    expect(text).toMatch(/\n\nThe engine can run\.\n$/);
    expect(text).not.toMatch(/undefined|NaN|null/);
  });

  it('names each CUDA library found or missing, and a driver that is too old', async () => {
    lay('driver/nvidia/version', 'NVRM version: NVIDIA UNIX x86_64 Kernel Module  515.43.04  Tue\n');
    const cudnn = lay('nvidia/cudnn/lib/libcudnn.so.9', '');
    const finder = await loadFinder();
    const gpu = describeGpu(finder, {
      env: {},
      libraryDir: join(dir, 'tensorflow'),
      gpuBuild: true,
      proc: dir,
      linkerCache: '',
      nvidiaSmi: null,
    });
    const all = await findings({ gpu });
    const { problems, advice } = judge(all);
    expect(problems).toEqual([]);
    expect(advice.join('\n')).toMatch(/driver 515\.43\.04 is too old for CUDA 12: 525\.60\.13/);
    expect(advice.join('\n')).toMatch(/CUDA libraries are missing: libcudart\.so\.12, libcublas\.so\.12/);
    expect(advice.join('\n')).not.toContain('libcudnn');
    const text = formatReport(all, judge(all));
    expect(text).toContain(`found   libcudnn.so.9 (convolutions) ${cudnn}`);
    expect(text).toContain('MISSING libnccl.so.2 (several cards)');
  });

  it('advises the CUDA build where there is a driver', async () => {
    lay('driver/nvidia/version', 'NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.15  Tue\n');
    const gpu = describeGpu(await loadFinder(), {
      env: {},
      libraryDir: null,
      gpuBuild: false,
      proc: dir,
      linkerCache: '',
      nvidiaSmi: null,
    });
    expect(judge(await findings({ gpu })).advice.join()).toContain("run 'npm run setup -- --gpu'");
  });

  it('takes a missing library, an old Node and an engine that fails for problems', async () => {
    const missing = { pinned: '2.21.0', found: null, refused: ['/x is incomplete'], error: null };
    const all = await findings({ library: missing, speed: skipped('there is no libtensorflow') });
    expect(judge(all).problems.join()).toContain("libtensorflow was not found: run 'npm run setup'");
    expect(formatReport(all, judge(all))).toMatch(/libtensorflow {2}not found\n {15}not used: \/x is incomplete/);
    expect(
      judge(await findings({ library: missing, system: { ...all.system, platform: 'win32' } })).problems.join(),
    ).toContain('WSL2');
    expect(judge(await findings({ node: { version: '18.0.0', path: '', tested: false } })).problems.join()).toContain(
      'Node 18.0.0 is too old',
    );
    expect(judge(await findings({ speed: skipped('the speed check ended with SIGSEGV') })).problems.join()).toContain(
      'SIGSEGV',
    );
    expect(judge(await findings({ library: { ...missing, error: 'LIBTENSORFLOW_DIR is wrong' } })).problems).toContain(
      'LIBTENSORFLOW_DIR is wrong',
    );
  });

  it.each([
    ['525.60.13', '525.60.13', false],
    ['525.60.9', '525.60.13', true],
    ['550.54', '525.60.13', false],
    ['470.1', '525.60.13', true],
  ])('%s is older than %s: %s', (a, b, older) => expect(isOlder(a, b)).toBe(older));
});

const library = (await loadFinder()).findLibrary();

describe('codiff doctor', () => {
  const bin = fileURLToPath(new URL('../../bin/codiff.mjs', import.meta.url));

  it('prints JSON and fails where there is no library, in plain JavaScript', () => {
    const env = { HOME: dir, PATH: join(dir, 'nothing') };
    const { status, stdout } = spawnSync(process.execPath, [bin, 'doctor', '--json'], { env, encoding: 'utf8' });
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      library: { found: null },
      speed: { skipped: 'there is no libtensorflow' },
    });
  });

  it('works without node_modules: the two folders it needs suffice', async () => {
    const { cpSync } = await import('node:fs');
    const packages = fileURLToPath(new URL('../../..', import.meta.url));
    for (const part of ['cli/bin', 'cli/src/doctor', 'cli/package.json', 'engine/library', 'engine/package.json']) {
      cpSync(join(packages, part), join(dir, 'packages', part), { recursive: true });
    }
    const program = join(dir, 'packages/cli/bin/codiff.mjs');
    const lib = lay('lib/libtensorflow_cc.so.2', '');
    const env = { HOME: dir, PATH: '', LIBTENSORFLOW_DIR: join(lib, '..') };
    const { status, stdout } = spawnSync(process.execPath, [program, 'doctor'], { env, encoding: 'utf8' });
    expect(stdout).toContain('PROBLEM: LIBTENSORFLOW_DIR is');
    expect(status).toBe(1);
    // Any other command says what is missing instead of throwing.
    mkdirSync(join(dir, 'packages/cli/src'), { recursive: true });
    lay('packages/cli/src/main.ts', '');
    const other = spawnSync(process.execPath, [program, 'sample'], { env, encoding: 'utf8' });
    expect(other).toMatchObject({ status: 1, stderr: expect.stringContaining("run 'node scripts/setup.mjs'") });
  });

  it('prints its usage, and refuses flags that it does not know', async () => {
    let text = '';
    const write = (more: string) => {
      text += more;
    };
    expect(await doctorCommand(['--help'], { write })).toBe(0);
    expect(text).toContain('--no-speed');
    expect(await doctorCommand(['--fast'], { write })).toBe(2);
    expect(text).toContain("Unknown option '--fast'");
  });

  it.skipIf(library === null)(
    'starts the engine and lists its devices (skipped where there is no libtensorflow)',
    () => {
      const { status, stdout } = spawnSync(process.execPath, [bin, 'doctor', '--no-speed', '--json'], {
        encoding: 'utf8',
      });
      expect(JSON.parse(stdout)).toMatchObject({
        ok: true,
        problems: [],
        library: { found: { dir: library?.dir } },
        speed: {
          skipped: null,
          devices: expect.arrayContaining(['cpu']),
          libraryVersion: expect.stringMatching(/^2\./),
          rows: [],
        },
      });
      expect(status).toBe(0);
    },
  );

  it('is executable', () => {
    chmodSync(bin, 0o755);
    expect(spawnSync(bin, ['doctor', '--help'], { encoding: 'utf8' }).stdout).toContain('codiff doctor [--json]');
  });
});
