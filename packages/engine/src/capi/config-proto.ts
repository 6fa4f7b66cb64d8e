import { EngineError } from '../errors.js';
import { bytesField, varintField } from './proto.js';

/** Number formats a compiled function may compute in. Weights, inputs and results stay float32. */
export type Precision = (typeof PRECISIONS)[number];

/** All of them. */
export const PRECISIONS = ['float32', 'bfloat16', 'float16'] as const;

/** What the process-wide context is asked for. */
export interface SessionSettings {
  /** Threads inside one operation; TensorFlow's default is the number of cores. */
  readonly intraOpThreads?: number;
  /** Operations of a function that may run at once. One makes summation order, and so every bit, repeatable. */
  readonly interOpThreads?: number;
  /** GPU memory: take it as needed instead of all at once. */
  readonly memoryGrowth?: boolean;
  /** GPU memory: at most this much on each of `gpus` cards. TensorFlow uses no card beyond those given a limit. */
  readonly gpuMemoryLimitMiB?: number;
  /** Number of cards; 1 by default. */
  readonly gpus?: number;
  /** Hide every GPU. */
  readonly cpuOnly?: boolean;
  /** Further fields, encoded: those of a process that works with others. */
  readonly more?: readonly number[];
}

// Field numbers of tensorflow/core/protobuf/config.proto and rewriter_config.proto.
const CONFIG = { deviceCount: 1, intraOp: 2, interOp: 5, gpuOptions: 6, softPlacement: 7, graphOptions: 10 } as const;
const GPU = { allowGrowth: 4, experimental: 9, virtualDevices: 1, memoryLimitMb: 1 } as const;
const GRAPH = { rewriteOptions: 10 } as const;
const REWRITE = {
  iterations: 12,
  autoMixedPrecision: 23,
  autoMixedPrecisionCpu: 29,
  autoMixedPrecisionOnednnBfloat16: 31,
} as const;
const ON = 1;

/** ConfigProto bytes for a context. Soft placement is always on: an op without a GPU kernel runs on the CPU. */
export function sessionConfig(settings: SessionSettings): Uint8Array {
  const { intraOpThreads, interOpThreads, memoryGrowth, gpuMemoryLimitMiB, gpus = 1, cpuOnly } = settings;
  const bytes = varintField(CONFIG.softPlacement, true);
  if (intraOpThreads !== undefined) bytes.push(...varintField(CONFIG.intraOp, intraOpThreads));
  if (interOpThreads !== undefined) bytes.push(...varintField(CONFIG.interOp, interOpThreads));
  // device_count is a map<string, int32>: entries of key (1) and value (2).
  if (cpuOnly) bytes.push(...bytesField(CONFIG.deviceCount, [...bytesField(1, 'GPU'), ...varintField(2, 0)]));
  const gpu: number[] = [];
  if (memoryGrowth) gpu.push(...varintField(GPU.allowGrowth, true));
  if (gpuMemoryLimitMiB !== undefined) {
    // One entry a card, each a packed `repeated float` of one virtual device's size.
    const limit = bytesField(GPU.memoryLimitMb, [...new Uint8Array(new Float32Array([gpuMemoryLimitMiB]).buffer)]);
    const cards = Array.from({ length: gpus }, () => bytesField(GPU.virtualDevices, limit)).flat();
    gpu.push(...bytesField(GPU.experimental, cards));
  }
  if (gpu.length > 0) bytes.push(...bytesField(CONFIG.gpuOptions, gpu));
  return Uint8Array.from([...bytes, ...(settings.more ?? [])]);
}

/**
 * What Grappler goes over a graph with: each rewriter once. TensorFlow's default is twice; on a UNet's step the second time takes 2 to
 * 4 s, and what comes out runs no faster.
 */
const ONCE = varintField(REWRITE.iterations, 1);

/**
 * ConfigProto bytes for one function call. Grappler only runs on calls that carry a config; mixed precision is one of its
 * rewriters, another for each kind of device.
 */
export function functionConfig(precision: Precision, device: 'cpu' | 'gpu'): Uint8Array {
  return Uint8Array.from(
    bytesField(CONFIG.graphOptions, bytesField(GRAPH.rewriteOptions, [...ONCE, ...rewriterOf(precision, device)])),
  );
}

function rewriterOf(precision: Precision, device: 'cpu' | 'gpu'): number[] {
  if (precision === 'float32') return [];
  if (precision === 'bfloat16' && device === 'gpu')
    throw new EngineError(
      "compile: TensorFlow's mixed precision has no bfloat16 mode on GPUs; use precision 'float16' with loss scaling, or 'float32'",
      { code: 'usage' },
    );
  const rewriter =
    precision === 'bfloat16'
      ? REWRITE.autoMixedPrecisionOnednnBfloat16
      : device === 'gpu'
        ? REWRITE.autoMixedPrecision
        : REWRITE.autoMixedPrecisionCpu;
  return varintField(rewriter, ON);
}
