import { availableParallelism } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import * as tf from '@tensorflow/tfjs-core';
import { findLibrary } from '../library/index.mjs';
import { BACKEND_NAME, createBackend } from './backend.js';
import { TensorBinding } from './binding.js';
import { shortName } from './devices.js';
import { type EngineInfo, engineOrNull, setEngine } from './engine.js';
import { EngineError } from './errors.js';
import { endWith } from './exit.js';
import { registerKernels } from './kernels/index.js';
import { limitMemory, limitTensors } from './memory-limit.js';
import { openRuntime } from './runtime.js';

/** Priority over tfjs's own backends, as upstream's node backend has it. */
const PRIORITY = 3;

/** How to run TensorFlow in this process. */
export interface EngineOptions {
  /** `cpu`, `gpu` or `gpu:<n>`. Default: the first GPU that libtensorflow lists, else the CPU. */
  readonly device?: string;
  /** Threads inside one operation, and operations at once inside a function. Default: the number of cores. */
  readonly threads?: number;
  /** GPU: take memory as needed (default) instead of all at once. */
  readonly memoryGrowth?: boolean;
  /** Most memory tensors may take: on a GPU its pool, on the CPU what this process allocates from now on. */
  readonly memoryLimitMiB?: number;
  /** GPU: round the operands of float32 products to TensorFloat-32, several times as fast and good to three digits. Off. */
  readonly tensorFloat32?: boolean;
  /** Same bits on every run of the same program: one operation at a time inside a function (3-8 % slower). */
  readonly deterministic?: boolean;
}

let options: EngineOptions | undefined;

/**
 * Start TensorFlow in this process and make it tfjs's backend, under the name 'tensorflow'. Calling it again with the same
 * options is free; with others it is an error, since libtensorflow keeps its threads and memory for the process's life.
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
    if (JSON.stringify(wanted) !== JSON.stringify(options) && Object.keys(wanted).length > 0)
      throw new EngineError(
        `useEngine: already running with ${JSON.stringify(options)}, asked again with ${JSON.stringify(wanted)}; start another process for other options`,
        { code: 'usage' },
      );
    return running.info;
  }
  checkOptions(wanted);
  const library = findLibrary({ env: process.env });
  if (library === null)
    throw new EngineError(
      "useEngine: libtensorflow was not found; run 'npm run setup' to fetch it, set LIBTENSORFLOW_DIR to a folder that holds it, or install the Python package tensorflow-cpu",
      { code: 'not-found' },
    );
  // NVIDIA's libraries read it when they are loaded; it overrides TensorFlow's own default, which is on.
  if (!wanted.tensorFloat32) process.env.NVIDIA_TF32_OVERRIDE ??= '0';
  const threads = wanted.threads ?? availableParallelism();
  const cpuOnly = wanted.device?.toLowerCase().startsWith('cpu') ?? false;
  if (wanted.memoryLimitMiB !== undefined && cpuOnly) limitTensors(wanted.memoryLimitMiB);
  const runtime = openRuntime({
    paths: library,
    device: wanted.device,
    settings: {
      intraOpThreads: threads,
      interOpThreads: wanted.deterministic ? 1 : threads,
      memoryGrowth: wanted.memoryGrowth ?? true,
      cpuOnly,
      ...(wanted.memoryLimitMiB === undefined ? {} : { gpuMemoryLimitMiB: wanted.memoryLimitMiB }),
    },
  });
  if (wanted.memoryLimitMiB !== undefined && !runtime.onGpu) limitMemory(wanted.memoryLimitMiB);

  const binding = new TensorBinding(runtime);
  const backend = createBackend(binding);
  const info: EngineInfo = {
    device: shortName(runtime.choice.device),
    why: runtime.choice.why,
    devices: runtime.devices.map(shortName),
    libraryVersion: runtime.version,
    library: library.dir,
    librarySource: library.source,
    threads,
    deterministic: wanted.deterministic ?? false,
  };
  setEngine({ binding, backend, info });
  options = wanted;
  registerKernels();
  tf.registerBackend(BACKEND_NAME, () => backend, PRIORITY);
  await tf.setBackend(BACKEND_NAME);
  endWith(runtime);
  return info;
}

function checkOptions({ threads, memoryLimitMiB }: EngineOptions): void {
  for (const [name, value] of Object.entries({ threads, memoryLimitMiB })) {
    if (value !== undefined && !(Number.isInteger(value) && value > 0))
      throw new EngineError(`useEngine: ${name} is ${value}; a whole number above 0 is wanted`, { code: 'usage' });
  }
}
