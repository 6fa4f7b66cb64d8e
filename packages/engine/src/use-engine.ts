import { availableParallelism } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import * as tf from '@tensorflow/tfjs-core';
import { findLibrary, LibraryError, type LibraryLocation, nvidiaCards, nvidiaDriver } from '../library/index.mjs';
import { BACKEND_NAME, createBackend } from './backend.js';
import { TensorBinding } from './binding.js';
import { type Cluster, checkCluster } from './collective/cluster.js';
import { shortName } from './devices.js';
import { type EngineInfo, engineOrNull, setEngine } from './engine.js';
import { EngineError } from './errors.js';
import { endWith } from './exit.js';
import { guardKernels } from './kernel-guard.js';
import { registerKernels } from './kernels/index.js';
import { limitMemory, limitTensors } from './memory-limit.js';
import { poolSizes } from './pool-sizes.js';
import { openRuntime, type Runtime } from './runtime.js';
import { type Region, reserveFirstRegion } from './tensor-pool.js';
import { guardVariables } from './variable-guard.js';

/** Priority over tfjs's own backends, as upstream's node backend has it. */
const PRIORITY = 3;

/** How to run TensorFlow in this process. */
export interface EngineOptions {
  /** `cpu`, `gpu` or `gpu:<n>`. Default: the first GPU that libtensorflow lists, else the CPU. */
  readonly device?: string;
  /** Threads inside one operation, and (but see `branches`, `deterministic`) operations at once inside a function. Default: all cores. */
  readonly threads?: number;
  /**
   * CPU: parts of the compiled functions that do not need each other, such as the models that collaborate in a step or the halves of a
   * batch. So many run at once; if there are as many as threads, each operation has one. Default 1: all threads for one operation. Of several
   * calls, the first one's counts: what is in effect is in the result.
   */
  readonly branches?: number;
  /** GPU: take memory as needed (default) instead of all at once. */
  readonly memoryGrowth?: boolean;
  /** Most memory tensors may take: on a GPU its pool, on the CPU what this process allocates from now on. */
  readonly memoryLimitMiB?: number;
  /** GPU: round the operands of float32 products to TensorFloat-32, several times as fast and good to three digits. Off. */
  readonly tensorFloat32?: boolean;
  /** Same bits on every run of the same program: without branches, one operation at a time inside a function (3-8 % slower). */
  readonly deterministic?: boolean;
  /**
   * CPU: functions in bfloat16 keep the weights that `narrow` made a second time, laid out for their kernels, and are a third
   * faster. On, unless memory is limited.
   */
  readonly packWeights?: boolean;
  /**
   * CPU: functions in float32 compute large convolutions of 3x3 pixels and their gradients by Winograd's minimal filtering, in about half the
   * time; their results are off by 4e-6 of the largest, else by 5e-7. On, unless memory is limited.
   */
  readonly winograd?: boolean;
  /** Work with other processes: `allReduce` then sums over all of them. Linux only if all are on this machine. */
  readonly cluster?: Cluster;
}

/** The options with their defaults. */
function resolve(wanted: EngineOptions) {
  const threads = wanted.threads ?? availableParallelism();
  return {
    device: wanted.device?.toLowerCase(),
    threads,
    branches: Math.min(wanted.branches ?? 1, threads),
    memoryGrowth: wanted.memoryGrowth ?? true,
    memoryLimitMiB: wanted.memoryLimitMiB,
    tensorFloat32: wanted.tensorFloat32 ?? false,
    deterministic: wanted.deterministic ?? false,
    packWeights: wanted.packWeights ?? wanted.memoryLimitMiB === undefined,
    winograd: wanted.winograd ?? wanted.memoryLimitMiB === undefined,
    cluster: wanted.cluster,
  };
}
type Resolved = ReturnType<typeof resolve>;

let options: Resolved | undefined;

/**
 * Start TensorFlow in this process and make it tfjs's backend, under the name 'tensorflow'. Calling it again without
 * options, or with the same ones, is free; with others it is an error, since libtensorflow keeps its threads and memory for
 * the process's life.
 * @returns what was chosen, and why
 * @throws EngineError if there is no library, no such device, or this is a worker thread
 */
export async function useEngine(wanted: EngineOptions = {}): Promise<EngineInfo> {
  if (!isMainThread)
    throw new EngineError(
      'useEngine: the engine runs on the main thread only, and its calls do not block it; a worker thread can prepare plain arrays and post them',
      { code: 'usage' },
    );
  const running = engineOrNull();
  if (running !== null) {
    refuseOtherOptions(wanted);
    return running.info;
  }
  checkOptions(wanted);
  const resolved = resolve(wanted);
  const library = locate();
  const { runtime, pool } = open(library, resolved);

  const binding = new TensorBinding(runtime);
  const backend = createBackend(binding);
  const { threads, deterministic, packWeights, winograd, cluster } = resolved;
  const info: EngineInfo = {
    device: shortName(runtime.choice.device),
    why: runtime.choice.why,
    devices: runtime.devices.map(shortName),
    libraryVersion: runtime.version,
    library: library.dir,
    librarySource: library.source,
    threads,
    branches: runtime.onGpu ? 1 : resolved.branches,
    deterministic,
    cluster: cluster ?? null,
  };
  setEngine({ binding, backend, info, pool, packWeights, winograd });
  options = resolved;
  guardVariables(binding);
  guardKernels(binding);
  registerKernels();
  tf.registerBackend(BACKEND_NAME, () => backend, PRIORITY);
  await tf.setBackend(BACKEND_NAME);
  endWith(runtime);
  return info;
}

function locate(): LibraryLocation {
  let library: LibraryLocation | null;
  try {
    library = findLibrary({ env: process.env });
  } catch (error) {
    if (error instanceof LibraryError) throw new EngineError(`useEngine: ${error.message}`, { code: 'not-found' });
    throw error;
  }
  if (library !== null) return library;
  throw new EngineError(
    "useEngine: libtensorflow was not found; run 'npm run setup' to fetch it, set LIBTENSORFLOW_DIR to a folder that holds it, or install the Python package tensorflow-cpu",
    { code: 'not-found' },
  );
}

function open(library: LibraryLocation, resolved: Resolved): { runtime: Runtime; pool: Region | null } {
  const { device, memoryGrowth, memoryLimitMiB, tensorFloat32, deterministic, cluster } = resolved;
  const cpuOnly = device?.startsWith('cpu') ?? false;
  const gpuComes = !cpuOnly && library.gpu && nvidiaDriver() !== null;
  const undo = memoryLimitMiB !== undefined && !gpuComes ? limitTensors(memoryLimitMiB) : () => {};
  try {
    const runtime = openRuntime({
      paths: library,
      device,
      cluster,
      numerics: { tensorFloat32, deterministic },
      settings: {
        ...poolSizes(gpuComes ? { ...resolved, branches: 1 } : resolved),
        memoryGrowth,
        cpuOnly,
        ...(memoryLimitMiB === undefined ? {} : { gpuMemoryLimitMiB: memoryLimitMiB, gpus: nvidiaCards().length || 1 }),
      },
    });
    if (runtime.onGpu) return { runtime, pool: null };
    const pool = reserveFirstRegion(runtime.native, memoryLimitMiB);
    if (memoryLimitMiB !== undefined && pool === null) limitMemory(memoryLimitMiB);
    return { runtime, pool };
  } catch (error) {
    undo();
    throw error;
  }
}

/** An option's value as text, which also tells whether two are the same. */
function shown(options: Resolved, key: keyof Resolved): string {
  const value = options[key];
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function refuseOtherOptions(wanted: EngineOptions): void {
  const running: Resolved = options!;
  const asked = resolve({ ...running, ...wanted } as EngineOptions);
  const keys = (Object.keys(running) as (keyof Resolved)[]).filter((key) => key !== 'branches');
  const other = keys.filter((key) => shown(running, key) !== shown(asked, key));
  if (other.length === 0) return;
  const list = (values: Resolved) => other.map((key) => `${key}: ${shown(values, key)}`).join(', ');
  throw new EngineError(
    `useEngine: already running with ${list(running)}, asked again with ${list(asked)}; start another process for other options`,
    { code: 'usage' },
  );
}

function checkOptions({ threads, branches, memoryLimitMiB, cluster }: EngineOptions): void {
  if (cluster) checkCluster(cluster);
  for (const [name, value] of Object.entries({ threads, branches, memoryLimitMiB })) {
    if (value !== undefined && !(Number.isInteger(value) && value > 0))
      throw new EngineError(`useEngine: ${name} is ${value}; a whole number above 0 is wanted`, { code: 'usage' });
  }
}
