import * as tf from '@tensorflow/tfjs-core';
import { AttrKind } from '../capi/attributes.js';
import type { Precision } from '../capi/config-proto.js';
import type { Pointer } from '../capi/native.js';
import { currentEngine, type Engine } from '../engine.js';
import type { Runtime } from '../runtime.js';
import type { OpAttr } from '../tfjs-node.js';
import type { Trace } from '../trace.js';
import { type ConvAttrs, convAttrs, convInfo } from './conv-attrs.js';
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
const PRODUCT = '_MklNativeFusedMatMul';

const COMMON: readonly OpAttr[] = [
  FLOAT,
  boolAttr('is_filter_const', true),
  // The name these kernels are registered under.
  stringAttr('_kernel', 'MklNameChangeOp'),
];
const HALF_BYTES = 2;
const ALLOWED = 'TF_AUTO_MIXED_PRECISION_GRAPH_REWRITE_ALLOWLIST_ADD';

const supported = new WeakMap<Runtime, boolean>();

/**
 * Whether weights that are kept in half precision are packed in a function of this kind. In float32 the kernels gain nothing
 * by it.
 */
export function packsWeights(engine: Engine, { precision, xla }: { precision: Precision; xla: boolean }): boolean {
  const { binding, packWeights } = engine;
  const { runtime } = binding;
  if (!packWeights || precision !== 'bfloat16' || xla || runtime.onGpu) return false;
  const known = supported.get(runtime);
  if (known !== undefined) return known;
  const runs =
    runsInFunctions(PRODUCT, productAttrs(false, false), [[1, 1], [1, 1], [1]]) &&
    runsInFunctions(CONVOLUTION, convolutionAttrs([1, 1, 1, 1], [1, 1, 1, 1]), [
      [1, 1, 1, 1],
      [1, 1, 1, 1],
    ]);
  if (runs) computeInHalf();
  supported.set(runtime, runs);
  return runs;
}

/** Mixed precision knows the operations by name; it reads its lists anew for each function. */
function computeInHalf(): void {
  const names = new Set((process.env[ALLOWED] ?? '').split(',').filter((name) => name !== ''));
  process.env[ALLOWED] = [...names, CONVOLUTION, PRODUCT].join(',');
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
  /** Products by the node that computes them. */
  readonly products: Map<Pointer, Product>;
  /** Of the copies that kernels are going to keep. */
  bytes: number;
}
interface Product {
  readonly inputs: readonly [tf.TensorInfo, tf.TensorInfo];
  readonly attrs: readonly OpAttr[];
}

const packings = new WeakMap<Trace, Packing>();

/** Have the function under construction pack the weight that `node` gives: no call may ever bring another one. */
export function packWeight(trace: Trace, node: Pointer): void {
  const packing = packings.get(trace) ?? { weights: new Set(), products: new Map(), bytes: 0 };
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

/** A convolution whose filter {@link isPacked}. */
export function packedConvolution(x: tf.TensorInfo, filter: tf.TensorInfo, attrs: readonly OpAttr[]): tf.Tensor {
  count(filter);
  return op(CONVOLUTION, [...attrs, ...COMMON.slice(1)], [x, filter]);
}

/** A product of matrices [m,k] and [k,n], each transposed or not, whose second {@link isPacked}. */
export function packedProduct(a: tf.TensorInfo, b: tf.TensorInfo, transposeA: boolean, transposeB: boolean): tf.Tensor {
  const { backend, binding } = currentEngine();
  const attrs = productAttrs(transposeA, transposeB);
  // There is no such operation without a bias.
  const none = tf.zeros([b.shape[transposeB ? 0 : 1]!]);
  const y = op(PRODUCT, attrs, [a, b, none]);
  count(b);
  packings.get(binding.trace!)!.products.set(backend.nodeOf(y)!, { inputs: [a, b], attrs });
  return y;
}

/** A {@link packedProduct} with a bias, computed as one; null if `x` is none. The product without it is then never run. */
export function packedSum(x: tf.TensorInfo, bias: tf.TensorInfo): tf.Tensor | null {
  const { backend, binding } = currentEngine();
  const packing = binding.trace && packings.get(binding.trace);
  const node = packing ? backend.nodeOf(x) : null;
  const product = node === null ? undefined : packing!.products.get(node);
  return product ? op(PRODUCT, product.attrs, [...product.inputs, bias]) : null;
}

function count({ shape }: tf.TensorInfo): void {
  packings.get(currentEngine().binding.trace!)!.bytes += HALF_BYTES * tf.util.sizeFromShape(shape);
}

function productAttrs(transposeA: boolean, transposeB: boolean): readonly OpAttr[] {
  return [
    ...COMMON,
    boolAttr('transpose_a', transposeA),
    boolAttr('transpose_b', transposeB),
    intAttr('num_args', 1),
    { name: 'fused_ops', type: AttrKind.string, value: ['BiasAdd'] },
  ];
}

function convolutionAttrs(x: readonly number[], filter: readonly number[]): readonly OpAttr[] {
  const attrs: ConvAttrs = { strides: 1, pad: 'valid', dataFormat: 'NHWC' };
  return [...convAttrs(convInfo(x, filter, attrs)), ...COMMON.slice(1)];
}
