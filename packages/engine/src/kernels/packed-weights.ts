import * as tf from '@tensorflow/tfjs-core';
import { AttrKind } from '../capi/attributes.js';
import type { Precision } from '../capi/config-proto.js';
import { bytesOfType, DataType } from '../capi/data-type.js';
import type { Pointer } from '../capi/native.js';
import { currentEngine, type Engine } from '../engine.js';
import type { Runtime } from '../runtime.js';
import type { OpAttr } from '../tfjs-node.js';
import type { NodeOutput, Trace } from '../trace.js';
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
/** What a kernel does with its result before it writes it: add a bias, then something of the result's shape; or GELU. */
type Behind = readonly ['BiasAdd'] | readonly ['BiasAdd', 'Add'] | readonly ['BiasAdd', 'GeluExact'];
const BIAS = ['BiasAdd'] as const;
const RESIDUAL = ['BiasAdd', 'Add'] as const;
const GELU = ['BiasAdd', 'GeluExact'] as const;
/** A convolution of one pixel, to try. */
const PIXEL = [1, 1, 1, 1];
const ONE = convAttrs(convInfo(PIXEL, PIXEL, { strides: 1, pad: 'valid', dataFormat: 'NHWC' }));
const ALLOWED = 'TF_AUTO_MIXED_PRECISION_GRAPH_REWRITE_ALLOWLIST_ADD';

/** What a library can do. */
interface Support {
  readonly packs: boolean;
  readonly residual: boolean;
  readonly gelu: boolean;
}
const supported = new WeakMap<Runtime, Support>();

/**
 * Whether weights that are kept in half precision are packed in a function of this kind. In float32 the kernels gain nothing
 * by it.
 */
export function packsWeights(engine: Engine, { precision, xla }: { precision: Precision; xla: boolean }): boolean {
  const { binding, packWeights } = engine;
  const { runtime, slots } = binding;
  if (!packWeights || slots.narrowed === 0 || precision !== 'bfloat16' || xla || runtime.onGpu) return false;
  const known = supported.get(runtime) ?? findSupport();
  supported.set(runtime, known);
  return known.packs;
}

function findSupport(): Support {
  const matrices = [[1, 1], [1, 1], [1]];
  const images = [PIXEL, PIXEL, [1]];
  const product = (behind: Behind, shapes: number[][]) => runsInFunctions(PRODUCT, productAttrs(false, behind), shapes);
  const convolution = (behind: Behind, shapes: number[][]) =>
    runsInFunctions(BIASED_CONVOLUTION, biasedAttrs(ONE, behind), shapes);
  const packs =
    product(BIAS, matrices) &&
    runsInFunctions(CONVOLUTION, convolutionAttrs(ONE), [PIXEL, PIXEL]) &&
    convolution(BIAS, images);
  if (packs) computeInHalf();
  return {
    packs,
    residual: packs && product(RESIDUAL, [...matrices, [1, 1]]) && convolution(RESIDUAL, [...images, PIXEL]),
    gelu: packs && product(GELU, matrices),
  };
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
  /** What takes the place of a product or a convolution when something is fused behind it, by its node. */
  readonly contractions: Map<Pointer, Contraction>;
  /** The same for those with a bias, in the order in which they were made. */
  readonly sums: Map<Pointer, Sum>;
  /** Of the copies that kernels are going to keep. */
  bytes: number;
}
/** The operation that computes a product or a convolution with what is fused behind it. */
interface Contraction {
  readonly op: string;
  readonly attrs: (behind: Behind) => readonly OpAttr[];
  /** Operand and weight. */
  readonly inputs: readonly [NodeOutput, NodeOutput];
  /** Whether it is a product with rows of the weight as outputs. */
  readonly byRows: boolean;
}
/** A contraction with its bias. */
interface Sum extends Contraction {
  readonly bias: NodeOutput;
  readonly shape: number[];
  readonly number: number;
}

const packings = new WeakMap<Trace, Packing>();

/** Have the function under construction pack the weight that `node` gives: no call may ever bring another one. */
export function packWeight(trace: Trace, node: Pointer): void {
  const packing = packings.get(trace) ?? { weights: new Set(), contractions: new Map(), sums: new Map(), bytes: 0 };
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
  remember(y, [x, filter], { op: BIASED_CONVOLUTION, attrs: (behind) => biasedAttrs(attrs, behind), byRows: false });
  return y;
}

/** A product of matrices [m,k] and [k,n], the second, or its transpose, one that {@link isPacked}. */
export function packedProduct(a: tf.TensorInfo, b: tf.TensorInfo, transposeB: boolean): tf.Tensor {
  const attrs = (behind: Behind) => productAttrs(transposeB, behind);
  // There is no such operation without a bias.
  const none = tf.zeros([b.shape[transposeB ? 0 : 1]!]);
  const y = op(PRODUCT, attrs(BIAS), [a, b, none]);
  remember(y, [a, b], { op: PRODUCT, attrs, byRows: transposeB });
  return y;
}

/** What was packed, `x`, with a bias, computed as one; null if nothing was. What computes it without the bias is then never run. */
export function packedSum(x: tf.TensorInfo, bias: tf.TensorInfo): tf.Tensor | null {
  const packing = currentPacking();
  const node = packing && currentEngine().backend.nodeOf(x);
  const contraction = node ? packing!.contractions.get(node) : undefined;
  if (contraction === undefined) return null;
  const y = fused(contraction, BIAS, [bias]);
  const { sums } = packing!;
  sums.set(currentEngine().backend.nodeOf(y)!, {
    ...contraction,
    ...{ bias: graphValue(bias), shape: y.shape, number: sums.size },
  });
  return y;
}

/** Say that `y` has the elements of `x` in another shape: a packed sum stays known by it. */
export function packedView(x: tf.TensorInfo, y: tf.TensorInfo): void {
  const packing = currentPacking();
  if (packing === null || packing.sums.size === 0) return;
  const { backend } = currentEngine();
  const [from, to] = [backend.nodeOf(x), backend.nodeOf(y)];
  const sum = from === null ? undefined : packing.sums.get(from);
  if (sum !== undefined && to !== null) packing.sums.set(to, sum);
}

/** The sum of two tensors of one shape, of which at least one was packed with a bias, computed with it; null if none was. */
export function packedResidual(a: tf.TensorInfo, b: tf.TensorInfo): tf.Tensor | null {
  const [one, two] = [sumOf(a, 'residual'), sumOf(b, 'residual')];
  if (one === two || !tf.util.arraysEqual(a.shape, b.shape)) return null;
  // The later one: what came before may be read by others too.
  const [sum, other] = (one?.number ?? -1) > (two?.number ?? -1) ? [one!, b] : [two!, a];
  return tf.tidy(() => {
    const kept = tf.reshape(other as tf.Tensor, sum.shape);
    return tf.reshape(fused(sum, RESIDUAL, [tensorOf(sum.bias), kept]), a.shape);
  });
}

/** GELU of a product that was packed with a bias, computed with it; null if `x` is none. */
export function packedGelu(x: tf.TensorInfo): tf.Tensor | null {
  const sum = sumOf(x, 'gelu');
  if (sum?.op !== PRODUCT) return null;
  return tf.tidy(() => tf.reshape(fused(sum, GELU, [tensorOf(sum.bias)]), x.shape));
}

/**
 * Value times GELU of the gate, the two halves [..., D] of what was packed with a bias, as two products: each takes half of the
 * weight's rows. Null if `x` [..., 2D] is no such product.
 */
export function packedGeglu(x: tf.TensorInfo): tf.Tensor | null {
  const sum = sumOf(x, 'gelu');
  if (sum?.op !== PRODUCT || !sum.byRows) return null;
  return tf.tidy(() => {
    const [a, weight] = [tensorOf(sum.inputs[0]), tensorOf(sum.inputs[1])];
    const bias = tensorOf(sum.bias);
    const [D, K] = [weight.shape[0]! / 2, weight.shape[1]!];
    const half = (start: number, behind: Behind): tf.Tensor =>
      op(PRODUCT, sum.attrs(behind), [a, tf.slice(weight, [start, 0], [D, K]), tf.slice(bias, [start], [D])]);
    return tf.reshape(tf.mul(half(0, BIAS), half(D, GELU)), [...x.shape.slice(0, -1), D]);
  });
}

/** A contraction with what is fused behind it, anew. */
function fused({ op: name, attrs, inputs }: Contraction, behind: Behind, args: readonly tf.TensorInfo[]): tf.Tensor {
  const [x, weight] = [tensorOf(inputs[0]), tensorOf(inputs[1])];
  try {
    return op(name, attrs(behind), [x, weight, ...args]);
  } finally {
    tf.dispose([x, weight]);
  }
}

/** What the function being traced packs; null: nothing. */
function currentPacking(): Packing | null {
  const { trace } = currentEngine().binding;
  return (trace && packings.get(trace)) ?? null;
}

/** The packed sum that a tensor is, if the library can fuse what is asked for. */
function sumOf(x: tf.TensorInfo, wanted: 'residual' | 'gelu'): Sum | undefined {
  const packing = currentPacking();
  if (packing === null || packing.sums.size === 0) return undefined;
  const { backend, binding } = currentEngine();
  if (supported.get(binding.runtime)?.[wanted] !== true) return undefined;
  const node = backend.nodeOf(x);
  return node === null ? undefined : packing.sums.get(node);
}

function remember(
  y: tf.Tensor,
  [x, weight]: readonly [tf.TensorInfo, tf.TensorInfo],
  made: Omit<Contraction, 'inputs'>,
) {
  const packing = currentPacking()!;
  const { backend } = currentEngine();
  packing.contractions.set(backend.nodeOf(y)!, { ...made, inputs: [graphValue(x), graphValue(weight)] });
  packing.bytes += bytesOfType(DataType.bfloat16) * tf.util.sizeFromShape(weight.shape);
}

/** A tensor as the graph has it, which outlives the tensor. */
function graphValue(tensor: tf.TensorInfo): NodeOutput {
  const { backend, binding } = currentEngine();
  const { output, shape, dtype } = binding.symbol(backend.getInputTensorIds([tensor])[0]!);
  return { output, shape, dtype };
}

/** A new tensor for a value of the graph. */
function tensorOf(value: NodeOutput): tf.Tensor {
  const { backend, binding } = currentEngine();
  return backend.tensorOf(binding.addSymbol(binding.trace!, value));
}

const productAttrs = (transposeB: boolean, behind: Behind): readonly OpAttr[] => [
  ...COMMON,
  boolAttr('transpose_a', false),
  boolAttr('transpose_b', transposeB),
  ...behindAttrs(behind),
];

/** @param attrs of Conv2D */
const convolutionAttrs = (attrs: readonly OpAttr[]): readonly OpAttr[] => [...attrs, ...COMMON.slice(1)];

/** @param attrs of Conv2D */
const biasedAttrs = (attrs: readonly OpAttr[], behind: Behind): readonly OpAttr[] => [
  ...convolutionAttrs(attrs),
  ...behindAttrs(behind),
  { name: 'TArgs', type: AttrKind.type, value: new Array<number>(argsOf(behind)).fill(DataType.float) },
  intAttr('num_host_args', 0),
];

const behindAttrs = (behind: Behind): readonly OpAttr[] => [
  intAttr('num_args', argsOf(behind)),
  { name: 'fused_ops', type: AttrKind.string, value: behind },
];

/** Operands of what is fused behind: GELU has none. */
const argsOf = (behind: Behind): number => behind.filter((name) => name !== 'GeluExact').length;
