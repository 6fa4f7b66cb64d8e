import type { EngineBackend } from './backend.js';
import type { TensorBinding } from './binding.js';
import type { Cluster } from './collective/cluster.js';
import { EngineError } from './errors.js';
import type { Region } from './tensor-pool.js';

/** The engine of this process: libtensorflow has one context a process, and tfjs one global state. */
export interface Engine {
  readonly binding: TensorBinding;
  readonly backend: EngineBackend;
  readonly info: EngineInfo;
  /** Where the first CPU tensors will lie; null: nobody knows. */
  readonly pool: Region | null;
  /** Whether compiled functions keep half-precision weights a second time, as their kernels need them. */
  readonly packWeights: boolean;
  /** Whether compiled functions compute convolutions by Winograd's minimal filtering where that is faster. */
  readonly winograd: boolean;
}

/** What `useEngine` chose. */
export interface EngineInfo {
  /** Short name of the device in use, e.g. `cpu` or `gpu:0`. */
  readonly device: string;
  /** Why this device. */
  readonly why: string;
  /** All devices, short names. */
  readonly devices: readonly string[];
  /** TensorFlow's version. */
  readonly libraryVersion: string;
  /** Folder of the library, and how it was found. */
  readonly library: string;
  readonly librarySource: string;
  /** Threads at work. */
  readonly threads: number;
  /** Parts of a function that share them; at most as many. */
  readonly branches: number;
  readonly deterministic: boolean;
  /** The processes that this one works with; null: it is alone. */
  readonly cluster: Cluster | null;
}

let current: Engine | undefined;

export function setEngine(engine: Engine): void {
  current = engine;
}

/** The engine, if `useEngine` has run. */
export function engineOrNull(): Engine | null {
  return current ?? null;
}

/** @throws EngineError if `useEngine` has not run in this thread */
export function currentEngine(): Engine {
  if (current === undefined)
    throw new EngineError("the engine is not running: call 'await useEngine()' first, in this thread", {
      code: 'usage',
    });
  return current;
}
