import { createRequire } from 'node:module';
import type { BackendValues, DataId, KernelBackend, Tensor, TensorInfo } from '@tensorflow/tfjs-core';

/** One attribute of an operation, as tfjs-node's kernels pass it. */
export interface OpAttr {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** What is known of a tensor that an operation returned. */
export interface TensorMetadata {
  id: number;
  shape: number[];
  dtype: number;
}

/** What tfjs-node's kernels ask of the layer below them. Upstream it is a C++ addon; here it is `binding.ts`. */
export interface Binding {
  createTensor(shape: number[], dtype: number, values: BackendValues): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): BackendValues;
  executeOp(name: string, attrs: readonly OpAttr[], inputIds: readonly number[], outputs: number): TensorMetadata[];
  isUsingGpuDevice(): boolean;
}

/** Book-keeping of one tfjs data id. */
export interface TensorData {
  shape: number[];
  dtype: number;
  /** Values not uploaded yet; null once `id` names a tensor of the binding. */
  values: BackendValues | null;
  id: number;
  refCount: number;
}

/** The parts of upstream's NodeJSKernelBackend that are built upon. */
export interface KernelBackendBase extends KernelBackend {
  readonly binding: Binding & Readonly<Record<string, number>>;
  readonly tensorMap: {
    get(dataId: DataId): TensorData;
    set(dataId: DataId, data: TensorData): void;
    has(dataId: DataId): boolean;
  };
  createOutputTensor(metadata: TensorMetadata): Tensor;
  getInputTensorIds(tensors: readonly TensorInfo[]): number[];
  executeSingleOutput(name: string, attrs: readonly OpAttr[], inputs: readonly TensorInfo[]): Tensor;
  executeMultipleOutputs(
    name: string,
    attrs: readonly OpAttr[],
    inputs: readonly TensorInfo[],
    outputs: number,
  ): Tensor[];
}

interface Upstream {
  NodeJSKernelBackend: new (binding: Binding, packageName: string) => KernelBackendBase;
}

const PACKAGE = '@tensorflow/tfjs-node-gpu';
const require = createRequire(import.meta.url);

/**
 * Upstream's backend class; loading it also registers its kernels (about 200) for the backend name 'tensorflow'. Only the
 * JavaScript files are touched, never the package's entry point, which wants its C++ addon.
 */
export function loadKernels(): Upstream['NodeJSKernelBackend'] {
  // The files below still call these two, which Node 22 announces as deprecated and Node 23 no longer has.
  const util = require('node:util') as Record<string, unknown>;
  util.isNullOrUndefined = (value: unknown): boolean => value === null || value === undefined;
  util.isArray = Array.isArray;
  const { NodeJSKernelBackend } = require(`${PACKAGE}/dist/nodejs_kernel_backend.js`) as Upstream;
  require(`${PACKAGE}/dist/register_all_kernels.js`);
  return NodeJSKernelBackend;
}

/** tfjs-node's stand-in for an int64 scalar, which tfjs lacks: two int32 halves, low first. */
export function int64ScalarOf(input: TensorInfo): Int32Array | null {
  const value = (input as { valueArray?: unknown }).valueArray;
  return value instanceof Int32Array && !('dataId' in input && input.dataId) ? value : null;
}

export { PACKAGE as KERNEL_PACKAGE };
