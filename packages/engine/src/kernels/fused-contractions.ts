import * as tf from '@tensorflow/tfjs-core';
import { AttrKind } from '../capi/attributes.js';
import { DataType } from '../capi/data-type.js';
import type { Pointer } from '../capi/native.js';
import { currentEngine } from '../engine.js';
import type { Runtime } from '../runtime.js';
import type { OpAttr } from '../tfjs-node.js';
import type { NodeOutput, Trace } from '../trace.js';
import { convAttrs, convInfo } from './conv-attrs.js';
import { runsInFunctions } from './graph-only.js';
import { boolAttr, FLOAT, intAttr, op, stringAttr } from './ops.js';

/**
 * oneDNN's convolutions and products do more with a result before they write it: add a bias, add another tensor of its shape,
 * apply GELU. While a function is traced, the engine remembers what the operations of packed weights made; what comes behind
 * one is then asked for together with it, anew, and the operation that stood alone is never run. For others TensorFlow's
 * optimiser does it with the bias; the rest was tried, and gained nothing for a decoder's large images.
 */
const CONVOLUTION = '_MklNativeFusedConv2D';
const PRODUCT = '_MklNativeFusedMatMul';
/** Names of the operations. */
export const FUSED_OPERATIONS: readonly string[] = [CONVOLUTION, PRODUCT];

/** What a kernel does with its result before it writes it. */
type Behind = readonly ['BiasAdd'] | readonly ['BiasAdd', 'Add'] | readonly ['BiasAdd', 'GeluExact'];
const BIAS = ['BiasAdd'] as const;
const RESIDUAL = ['BiasAdd', 'Add'] as const;
const GELU = ['BiasAdd', 'GeluExact'] as const;

/** That the filter is the same at every call, so that the kernel keeps it as it needs it. */
export const CONSTANT_FILTER = boolAttr('is_filter_const', true);
/** The name that oneDNN's kernels are registered under. */
export const KERNEL = stringAttr('_kernel', 'MklNameChangeOp');
/** A convolution of one pixel, to try. */
export const PIXEL = [1, 1, 1, 1];
export const ONE_PIXEL = convAttrs(convInfo(PIXEL, PIXEL, { strides: 1, pad: 'valid', dataFormat: 'NHWC' }));
const ALLOWED = 'TF_AUTO_MIXED_PRECISION_GRAPH_REWRITE_ALLOWLIST_ADD';

/** What a library can fuse. */
interface Support {
  readonly bias: boolean;
  readonly residual: boolean;
  readonly gelu: boolean;
}
const supported = new WeakMap<Runtime, Support>();

/** What the library of this process can fuse; found out the first time. */
export function fusions(): Support {
  const { runtime } = currentEngine().binding;
  const known = supported.get(runtime) ?? (runtime.onGpu ? { bias: false, residual: false, gelu: false } : tried());
  supported.set(runtime, known);
  return known;
}

function tried(): Support {
  const matrices = [[1, 1], [1, 1], [1]];
  const images = [PIXEL, PIXEL, [1]];
  const product = (behind: Behind, shapes: number[][]) => runsInFunctions(PRODUCT, productAttrs(false, behind), shapes);
  const convolution = (behind: Behind, shapes: number[][]) =>
    runsInFunctions(CONVOLUTION, convolutionAttrs(ONE_PIXEL, behind), shapes);
  const bias = product(BIAS, matrices) && convolution(BIAS, images);
  if (bias) computeInHalf(FUSED_OPERATIONS);
  return {
    bias,
    residual: bias && product(RESIDUAL, [...matrices, [1, 1]]) && convolution(RESIDUAL, [...images, PIXEL]),
    gelu: bias && product(GELU, matrices),
  };
}

/** Have mixed precision compute these in half: it knows operations by name, and reads its lists anew for each function. */
export function computeInHalf(operations: readonly string[]): void {
  const names = (process.env[ALLOWED] ?? '').split(',').filter((name) => name !== '');
  process.env[ALLOWED] = [...new Set([...names, ...operations])].join(',');
}

/** A convolution or a product with a packed weight, and the operation that computes it with what is fused behind it. */
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
  /** Sums are numbered in the order in which they are made. */
  readonly number: number;
}
/** What is known of a function under construction, by nodes. */
interface Known {
  readonly contractions: Map<Pointer, Contraction>;
  readonly sums: Map<Pointer, Sum>;
}
const known = new WeakMap<Trace, Known>();

/** Remember a convolution with a packed filter. @param attrs TensorFlow's, of Conv2D */
export function rememberConvolution(
  y: tf.TensorInfo,
  [x, filter]: readonly [tf.TensorInfo, tf.TensorInfo],
  attrs: readonly OpAttr[],
): void {
  const own = { op: CONVOLUTION, byRows: false, attrs: (behind: Behind) => convolutionAttrs(attrs, behind) };
  remember(y, [x, filter], own);
}

/** Remember a product of matrices [m,k] and [k,n], or of the second's transpose, the second packed. */
export function rememberProduct(
  y: tf.TensorInfo,
  [a, b]: readonly [tf.TensorInfo, tf.TensorInfo],
  transposeB: boolean,
): void {
  remember(y, [a, b], { op: PRODUCT, byRows: transposeB, attrs: (behind) => productAttrs(transposeB, behind) });
}

/** A product of a packed weight: there is no such operation without a bias. */
export function biasedProduct(a: tf.TensorInfo, b: tf.TensorInfo, bias: tf.TensorInfo, transposeB: boolean): tf.Tensor {
  return op(PRODUCT, productAttrs(transposeB, BIAS), [a, b, bias]);
}

/** x with a bias along its last axis, as one where a packed weight made x; null if none did. */
export function withBias(x: tf.TensorInfo, bias: tf.TensorInfo): tf.Tensor | null {
  const found = knownNow();
  const node = found && currentEngine().backend.nodeOf(x);
  const contraction = node ? found!.contractions.get(node) : undefined;
  if (contraction === undefined) return null;
  const y = fused(contraction, BIAS, [bias]);
  const { sums } = found!;
  const made = { bias: graphValue(bias), shape: y.shape, number: sums.size };
  sums.set(currentEngine().backend.nodeOf(y)!, { ...contraction, ...made });
  return y;
}

/** Say that `y` has the elements of `x` in another shape: a sum stays known by it. */
export function sameElements(x: tf.TensorInfo, y: tf.TensorInfo): void {
  const sum = sumOf(x);
  const node = sum && currentEngine().backend.nodeOf(y);
  if (sum && node) knownNow()!.sums.set(node, sum);
}

/** The sum of two tensors of one shape, of which one is a contraction with its bias, computed with it; null if none is. */
export function withResidual(a: tf.TensorInfo, b: tf.TensorInfo): tf.Tensor | null {
  const [one, two] = [sumOf(a), sumOf(b)];
  if (one === two || !tf.util.arraysEqual(a.shape, b.shape) || !fusions().residual) return null;
  // The later one: what came before may be read by others too.
  const [sum, other] = (one?.number ?? -1) > (two?.number ?? -1) ? [one!, b] : [two!, a];
  return tf.tidy(() => {
    const kept = tf.reshape(other as tf.Tensor, sum.shape);
    return tf.reshape(fused(sum, RESIDUAL, [tensorOf(sum.bias), kept]), a.shape);
  });
}

/** GELU of a product with its bias, computed with it; null if `x` is none. */
export function withGelu(x: tf.TensorInfo): tf.Tensor | null {
  const sum = productOf(x);
  return sum && tf.tidy(() => tf.reshape(fused(sum, GELU, [tensorOf(sum.bias)]), x.shape));
}

/**
 * Value times GELU of the gate, the two halves [..., D] of a product with its bias, as two products: each takes half of the
 * weight's rows. Null if `x` [..., 2D] is no such product.
 */
export function withGeglu(x: tf.TensorInfo): tf.Tensor | null {
  const sum = productOf(x);
  if (sum === null || !sum.byRows) return null;
  return tf.tidy(() => {
    const [a, weight] = [tensorOf(sum.inputs[0]), tensorOf(sum.inputs[1])];
    const bias = tensorOf(sum.bias);
    const [D, K] = [weight.shape[0]! / 2, weight.shape[1]!];
    const half = (start: number, behind: Behind): tf.Tensor =>
      op(PRODUCT, sum.attrs(behind), [a, tf.slice(weight, [start, 0], [D, K]), tf.slice(bias, [start], [D])]);
    return tf.reshape(tf.mul(half(0, BIAS), half(D, GELU)), [...x.shape.slice(0, -1), D]);
  });
}

function productOf(x: tf.TensorInfo): Sum | null {
  const sum = sumOf(x);
  return sum?.op === PRODUCT && fusions().gelu ? sum : null;
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

function knownNow(): Known | null {
  const { trace } = currentEngine().binding;
  return (trace && known.get(trace)) ?? null;
}

function sumOf(x: tf.TensorInfo): Sum | undefined {
  const found = knownNow();
  if (found === null || found.sums.size === 0) return undefined;
  const node = currentEngine().backend.nodeOf(x);
  return node === null ? undefined : found.sums.get(node);
}

function remember(
  y: tf.TensorInfo,
  [x, weight]: readonly [tf.TensorInfo, tf.TensorInfo],
  made: Omit<Contraction, 'inputs'>,
): void {
  const { backend, binding } = currentEngine();
  const trace = binding.trace!;
  const found = known.get(trace) ?? { contractions: new Map(), sums: new Map() };
  known.set(trace, found);
  found.contractions.set(backend.nodeOf(y)!, { ...made, inputs: [graphValue(x), graphValue(weight)] });
}

/** A tensor as the graph has it, which outlives the tensor. */
function graphValue(tensor: tf.TensorInfo): NodeOutput {
  const { output, shape, dtype } = currentEngine().backend.symbolOf(tensor);
  return { output, shape, dtype };
}

/** A new tensor for a value of the graph. */
function tensorOf(value: NodeOutput): tf.Tensor {
  const { backend, binding } = currentEngine();
  return backend.tensorOf(binding.addSymbol(binding.trace!, value));
}

const productAttrs = (transposeB: boolean, behind: Behind): readonly OpAttr[] => [
  ...[FLOAT, CONSTANT_FILTER, KERNEL],
  boolAttr('transpose_a', false),
  boolAttr('transpose_b', transposeB),
  ...behindAttrs(behind),
];

/** @param attrs of Conv2D */
const convolutionAttrs = (attrs: readonly OpAttr[], behind: Behind): readonly OpAttr[] => [
  ...attrs,
  CONSTANT_FILTER,
  KERNEL,
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
