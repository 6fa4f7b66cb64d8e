import * as tf from '@tensorflow/tfjs-core';
import { AttrKind } from '../capi/attributes.js';
import type { Precision } from '../capi/config-proto.js';
import { bytesOfType, DataType } from '../capi/data-type.js';
import type { Pointer } from '../capi/native.js';
import { currentEngine, type Engine } from '../engine.js';
import type { Runtime } from '../runtime.js';
import type { OpAttr } from '../tfjs-node.js';
import type { Trace } from '../trace.js';
import { convAttrs, convInfo } from './conv-attrs.js';
import { runsInFunctions } from './graph-only.js';
import { boolAttr, FLOAT, intAttr, op, stringAttr } from './ops.js';

/**
 * oneDNN's kernels compute with filters and matrices in a layout of their own. TensorFlow's Conv2D and MatMul bring them into
 * it at every call, unless they are constants of the graph, which weights of gigabytes cannot be. The operations below are
 * those that TensorFlow's own layout pass makes of Conv2D and MatMul; they take as an attribute what the pass finds out by
 * looking for constants: that the filter is always the same. Such a kernel keeps the filter as it needs it from its first
 * call on, and never looks at its input again.
 */
const CONVOLUTION = '_MklNativeConv2D';
const BIASED_CONVOLUTION = '_MklNativeFusedConv2D';
const PRODUCT = '_MklNativeFusedMatMul';
/** Names of the operations of packed weights. */
export const PACKED_OPERATIONS: readonly string[] = [CONVOLUTION, BIASED_CONVOLUTION, PRODUCT];

const COMMON: readonly OpAttr[] = [
  FLOAT,
  boolAttr('is_filter_const', true),
  // The name these kernels are registered under.
  stringAttr('_kernel', 'MklNameChangeOp'),
];
const WITH_BIAS: readonly OpAttr[] = [
  intAttr('num_args', 1),
  { name: 'fused_ops', type: AttrKind.string, value: ['BiasAdd'] },
];
/** A convolution of one pixel, to try. */
const PIXEL = [1, 1, 1, 1];
const ONE = convAttrs(convInfo(PIXEL, PIXEL, { strides: 1, pad: 'valid', dataFormat: 'NHWC' }));
const ALLOWED = 'TF_AUTO_MIXED_PRECISION_GRAPH_REWRITE_ALLOWLIST_ADD';

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
  const runs =
    runsInFunctions(PRODUCT, productAttrs(false, false), [[1, 1], [1, 1], [1]]) &&
    runsInFunctions(CONVOLUTION, convolutionAttrs(ONE), [PIXEL, PIXEL]) &&
    runsInFunctions(BIASED_CONVOLUTION, biasedAttrs(ONE), [PIXEL, PIXEL, [1]]);
  if (runs) computeInHalf();
  supported.set(runtime, runs);
  return runs;
}

/** Mixed precision knows the operations by name; it reads its lists anew for each function. */
function computeInHalf(): void {
  const names = new Set((process.env[ALLOWED] ?? '').split(',').filter((name) => name !== ''));
  process.env[ALLOWED] = [...names, ...PACKED_OPERATIONS].join(',');
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
  /** What takes the place of a product or a convolution that a bias is added to, by its node. */
  readonly biased: Map<Pointer, Biased>;
  /** Of the copies that kernels are going to keep. */
  bytes: number;
}
/** The operation that computes a product or a convolution with a bias. */
interface Biased {
  readonly op: string;
  readonly attrs: readonly OpAttr[];
  /** Without the bias. */
  readonly inputs: readonly [tf.TensorInfo, tf.TensorInfo];
}

const packings = new WeakMap<Trace, Packing>();

/** Have the function under construction pack the weight that `node` gives: no call may ever bring another one. */
export function packWeight(trace: Trace, node: Pointer): void {
  const packing = packings.get(trace) ?? { weights: new Set(), biased: new Map(), bytes: 0 };
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
  remember(y, { op: BIASED_CONVOLUTION, attrs: biasedAttrs(attrs), inputs: [x, filter] });
  return y;
}

/** A product of matrices [m,k] and [k,n], each transposed or not, whose second {@link isPacked}. */
export function packedProduct(a: tf.TensorInfo, b: tf.TensorInfo, transposeA: boolean, transposeB: boolean): tf.Tensor {
  const attrs = productAttrs(transposeA, transposeB);
  // There is no such operation without a bias.
  const none = tf.zeros([b.shape[transposeB ? 0 : 1]!]);
  const y = op(PRODUCT, attrs, [a, b, none]);
  remember(y, { op: PRODUCT, attrs, inputs: [a, b] });
  return y;
}

/** What was packed, `x`, with a bias, computed as one; null if nothing was. What computes it without the bias is then never run. */
export function packedSum(x: tf.TensorInfo, bias: tf.TensorInfo): tf.Tensor | null {
  const { backend, binding } = currentEngine();
  const packing = binding.trace && packings.get(binding.trace);
  const node = packing ? backend.nodeOf(x) : null;
  const biased = node === null ? undefined : packing!.biased.get(node);
  return biased ? op(biased.op, biased.attrs, [...biased.inputs, bias]) : null;
}

function remember(y: tf.Tensor, biased: Biased): void {
  const { backend, binding } = currentEngine();
  const packing = packings.get(binding.trace!)!;
  packing.biased.set(backend.nodeOf(y)!, biased);
  packing.bytes += bytesOfType(DataType.bfloat16) * tf.util.sizeFromShape(biased.inputs[1].shape);
}

function productAttrs(transposeA: boolean, transposeB: boolean): readonly OpAttr[] {
  return [...COMMON, boolAttr('transpose_a', transposeA), boolAttr('transpose_b', transposeB), ...WITH_BIAS];
}

/** @param attrs of Conv2D */
const convolutionAttrs = (attrs: readonly OpAttr[]): readonly OpAttr[] => [...attrs, ...COMMON.slice(1)];

const biasedAttrs = (attrs: readonly OpAttr[]): readonly OpAttr[] => [
  ...convolutionAttrs(attrs),
  ...WITH_BIAS,
  { name: 'TArgs', type: AttrKind.type, value: [DataType.float] },
  intAttr('num_host_args', 0),
];
