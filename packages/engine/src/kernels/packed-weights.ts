import * as tf from '@tensorflow/tfjs-core';
import type { Precision } from '../capi/config-proto.js';
import { bytesOfType, DataType } from '../capi/data-type.js';
import type { Pointer } from '../capi/native.js';
import { currentEngine, type Engine } from '../engine.js';
import type { Runtime } from '../runtime.js';
import type { OpAttr } from '../tfjs-node.js';
import type { Trace } from '../trace.js';
import {
  biasedProduct,
  CONSTANT_FILTER,
  computeInHalf,
  FUSED_OPERATIONS,
  fusions,
  KERNEL,
  ONE_PIXEL,
  PIXEL,
  rememberConvolution,
  rememberProduct,
} from './fused-contractions.js';
import { runsInFunctions } from './graph-only.js';
import { op } from './ops.js';

/**
 * oneDNN's kernels compute with filters and matrices in a layout of their own. TensorFlow's Conv2D and MatMul bring them into
 * it at every call, unless they are constants of the graph, which weights of gigabytes cannot be. The operations used here are
 * those that TensorFlow's own layout pass makes of Conv2D and MatMul; they take as an attribute what the pass finds out by
 * looking for constants: that the filter is always the same. Such a kernel keeps the filter as it needs it from its first
 * call on, and never looks at its input again.
 */
const CONVOLUTION = '_MklNativeConv2D';
/** Names of the operations of packed weights. */
export const PACKED_OPERATIONS: readonly string[] = [CONVOLUTION, ...FUSED_OPERATIONS];

const supported = new WeakMap<Runtime, boolean>();

/**
 * Whether weights that are kept in half precision are packed in a function of this kind. In float32 the kernels gain nothing
 * by it.
 */
export function packsWeights(engine: Engine, { precision, xla }: { precision: Precision; xla: boolean }): boolean {
  const { binding, packWeights } = engine;
  const { runtime, slots } = binding;
  if (!packWeights || slots.narrowed === 0 || precision !== 'bfloat16' || xla || runtime.onGpu) return false;
  const known = supported.get(runtime);
  if (known !== undefined) return known;
  const runs = fusions().bias && runsInFunctions(CONVOLUTION, convolutionAttrs(ONE_PIXEL), [PIXEL, PIXEL]);
  if (runs) computeInHalf([CONVOLUTION]);
  supported.set(runtime, runs);
  return runs;
}

/** What the kernels of a function keep of its weights. */
export interface PackedWeights {
  readonly bytes: number;
  /** Since the first call. */
  held: boolean;
}

/** What a function under construction packs. */
interface Packing {
  /** Nodes whose values are weights that no call changes. */
  readonly weights: Set<Pointer>;
  /** Of the copies that kernels are going to keep. */
  bytes: number;
}

const packings = new WeakMap<Trace, Packing>();

/** Have the function under construction pack the weight that `node` gives: no call may ever bring another one. */
export function packWeight(trace: Trace, node: Pointer): void {
  const packing = packings.get(trace) ?? { weights: new Set(), bytes: 0 };
  packing.weights.add(node);
  packings.set(trace, packing);
}

/** Bytes of the copies that the kernels of a function are going to keep. */
export const packedBytes = (trace: Trace): number => packings.get(trace)?.bytes ?? 0;

/** Whether a tensor is a weight that the function being traced packs. */
export function isPacked(weight: tf.TensorInfo): boolean {
  const { backend, binding } = currentEngine();
  const packing = binding.trace && packings.get(binding.trace);
  const node = packing ? backend.nodeOf(weight) : null;
  return node !== null && packing!.weights.has(node);
}

/** A convolution whose filter {@link isPacked}. @param attrs TensorFlow's, of Conv2D */
export function packedConvolution(x: tf.TensorInfo, filter: tf.TensorInfo, attrs: readonly OpAttr[]): tf.Tensor {
  const y = op(CONVOLUTION, convolutionAttrs(attrs), [x, filter]);
  rememberConvolution(y, [x, filter], attrs);
  count(filter);
  return y;
}

/** A product of matrices [m,k] and [k,n], the second, or its transpose, one that {@link isPacked}. */
export function packedProduct(a: tf.TensorInfo, b: tf.TensorInfo, transposeB: boolean): tf.Tensor {
  const y = biasedProduct(a, b, tf.zeros([b.shape[transposeB ? 0 : 1]!]), transposeB);
  rememberProduct(y, [a, b], transposeB);
  count(b);
  return y;
}

function count({ shape }: tf.TensorInfo): void {
  packings.get(currentEngine().binding.trace!)!.bytes += bytesOfType(DataType.bfloat16) * tf.util.sizeFromShape(shape);
}

/** @param attrs of Conv2D */
const convolutionAttrs = (attrs: readonly OpAttr[]): readonly OpAttr[] => [...attrs, CONSTANT_FILTER, KERNEL];
