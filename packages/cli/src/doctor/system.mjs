/** What machine this is: system, processor and its features, Node, threads, memory settings. */
import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, freemem, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';

/** Processor features that decide how fast TensorFlow is, by their names in /proc/cpuinfo (x86, then Arm). */
const features = {
  x64: ['avx', 'avx2', 'fma', 'f16c', 'avx512f', 'avx512_vnni', 'avx512_bf16', 'amx_tile', 'amx_bf16', 'amx_int8'],
  arm64: ['asimd', 'asimdhp', 'asimddp', 'sve', 'i8mm', 'bf16'],
};

/** Major versions of Node that this repository is tested with. */
export const testedNodes = [20, 22, 24, 26];

/** Environment variables that change threads, and those that change how memory is kept. */
const threadVariables = ['TF_NUM_INTRAOP_THREADS', 'TF_NUM_INTEROP_THREADS', 'OMP_NUM_THREADS', 'UV_THREADPOOL_SIZE'];
const mallocVariables = [
  'GLIBC_TUNABLES',
  'MALLOC_ARENA_MAX',
  'MALLOC_MMAP_THRESHOLD_',
  'MALLOC_TRIM_THRESHOLD_',
  'MALLOC_TOP_PAD_',
  'LD_PRELOAD',
];

/** @param {string} path @returns {string | null} the text without its last line break; null when it cannot be read */
function read(path) {
  try {
    return readFileSync(path, 'utf8').trimEnd();
  } catch {
    return null;
  }
}

/** @param {string[]} names @param {NodeJS.ProcessEnv} env @returns {Record<string, string>} those that are set */
function pick(names, env) {
  /** @type {Record<string, string>} */
  const found = {};
  for (const name of names) if (env[name] !== undefined) found[name] = env[name];
  return found;
}

/**
 * @param {string} cpuinfo text of /proc/cpuinfo
 * @param {string} architecture a `process.arch`
 * @returns {Record<string, boolean> | null} each feature that matters here, present or not; null when the text names none
 */
export function cpuFeatures(cpuinfo, architecture) {
  const wanted = /** @type {Record<string, string[]>} */ (features)[architecture];
  const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(cpuinfo)?.[1];
  if (!wanted || line === undefined) return null;
  const present = new Set(line.split(/\s+/));
  return Object.fromEntries(wanted.map((name) => [name, present.has(name)]));
}

/**
 * The limits of a container (control groups, version 2, then 1).
 * @param {string} sys folder of the sys file system
 * @returns {{cpus: number | null, memoryBytes: number | null}} null where there is no limit
 */
export function containerLimits(sys) {
  const group = join(sys, 'fs', 'cgroup');
  const [quota = '', period = ''] = (read(join(group, 'cpu.max')) ?? '').split(' ');
  const oldQuota = Number(read(join(group, 'cpu', 'cpu.cfs_quota_us')) ?? -1);
  const oldPeriod = Number(read(join(group, 'cpu', 'cpu.cfs_period_us')) ?? 100_000);
  const memory = read(join(group, 'memory.max')) ?? read(join(group, 'memory', 'memory.limit_in_bytes'));
  const bytes = Number(memory ?? Number.NaN);
  return {
    cpus: Number(quota) > 0 ? Number(quota) / Number(period) : oldQuota > 0 ? oldQuota / oldPeriod : null,
    // Version 1 writes "no limit" as a number near 2^63.
    memoryBytes: bytes > 0 && bytes < 2 ** 60 ? bytes : null,
  };
}

/**
 * @param {{env: NodeJS.ProcessEnv, proc?: string, sys?: string}} options proc, sys: folders of those file systems
 */
export function describeSystem({ env, proc = '/proc', sys = '/sys' }) {
  // Else the report looks up the name of every open connection.
  Object.assign(process.report ?? {}, { excludeNetwork: true });
  const header = /** @type {{header: {glibcVersionRuntime?: string}}} */ (process.report?.getReport() ?? { header: {} })
    .header;
  const [first] = cpus();
  const major = Number(process.versions.node.split('.')[0]);
  return {
    system: {
      platform: platform(),
      arch: arch(),
      release: release(),
      glibc: header.glibcVersionRuntime ?? null,
      memoryBytes: totalmem(),
      freeMemoryBytes: freemem(),
    },
    container: containerLimits(sys),
    cpu: {
      model: first?.model.trim() || null,
      logicalCores: cpus().length,
      features: cpuFeatures(read(join(proc, 'cpuinfo')) ?? '', arch()),
    },
    node: { version: process.versions.node, path: process.execPath, tested: testedNodes.includes(major) },
    threads: { available: availableParallelism(), variables: pick(threadVariables, env) },
    malloc: {
      variables: pick(mallocVariables, env),
      transparentHugePages:
        /\[(\w+)\]/.exec(read(join(sys, 'kernel/mm/transparent_hugepage/enabled')) ?? '')?.[1] ?? null,
    },
  };
}
