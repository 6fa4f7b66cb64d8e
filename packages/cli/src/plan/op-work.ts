import { bytesOf, type RecordedGraph, type RecordedNode } from '@codiff/engine';

/** What limits the speed of an operation. */
export type WorkKind =
  | 'convolution'
  | 'input-gradient'
  | 'filter-gradient'
  | 'matmul'
  | 'product'
  | 'narrow-product'
  | 'elementwise'
  | 'function'
  | 'silu'
  | 'softmax'
  | 'move';

/** Kinds whose time goes by arithmetic; that of the others, products of narrow heads among them, by the bytes they move. */
export const ARITHMETIC: ReadonlySet<WorkKind> = new Set<WorkKind>([
  ...(['convolution', 'input-gradient', 'filter-gradient', 'matmul', 'product'] as const),
]);

/** The work of one operation. */
export interface OpWork {
  readonly kind: WorkKind;
  /** Multiplications and additions of contractions; 0 for others. */
  readonly flops: number;
  /** Bytes read and written. */
  readonly bytes: number;
}

/** Operations that only give memory another name, or that TensorFlow computes once when it optimises a function. */
const FREE: ReadonlySet<string> = new Set([
  ...['Placeholder', 'Const', 'ReadVariableOp', 'Reshape', 'Identity', 'Squeeze', 'ExpandDims', 'StopGradient'],
  ...['NoOp', 'Fill', 'ZerosLike', 'OnesLike', 'Shape', 'Range', 'AssignVariableOp'],
]);

/** Element-wise functions that compute for longer than memory takes. */
const FUNCTIONS: ReadonlySet<string> = new Set([
  ...['Sigmoid', 'Tanh', 'Exp', 'Erf', 'Log', 'Pow', 'Sin', 'Cos', 'Softplus'],
]);

/** Operations that bring elements into another order. */
const MOVES: ReadonlySet<string> = new Set([
  ...['Transpose', 'Tile', 'ConcatV2', 'Slice', 'StridedSlice', 'Pad', 'PadV2', 'MirrorPad', 'GatherV2', 'OneHot'],
  ...['ResizeNearestNeighbor', 'ResizeNearestNeighborGrad', 'Pack', 'SplitV', 'BroadcastTo', 'Reverse', 'ReverseV2'],
]);

/** Matrices of fewer columns, or products that sum fewer numbers, compute next to nothing for what they move. */
const NARROW = 8;

/**
 * Products this wide on both sides are as fast in a batch as alone: those of Winograd's convolutions, not those of heads. Of their
 * gradients by filters those over few tiles are taken for heads' too.
 */
const WIDE = 96;

/** Contractions that take the bias behind them along. */
const FUSED: ReadonlySet<string> = new Set(['Conv2D', 'MatMul']);

/**
 * x sigmoid(x), which oneDNN has a kernel for: the products, by index, of sigmoids that nothing else reads. They take no
 * time of their own; the sigmoids stand for both.
 */
export function siluProducts(
  { nodes, values }: RecordedGraph,
  needed: ReadonlySet<number>,
): ReadonlyMap<number, number> {
  const readers = new Map<number, number>();
  for (const node of needed) for (const input of nodes[node]!.inputs) readers.set(input, (readers.get(input) ?? 0) + 1);
  const products = new Map<number, number>();
  for (const index of needed) {
    const { op, inputs } = nodes[index]!;
    if (op !== 'Mul') continue;
    for (const [i, input] of inputs.entries()) {
      const maker = nodes[values[input]!.node];
      if (maker?.op === 'Sigmoid' && maker.inputs[0] === inputs[1 - i] && readers.get(input) === 1)
        products.set(index, values[input]!.node);
    }
  }
  return products;
}

/** The work of an operation; null if it takes no time worth counting. */
export function workOf({ nodes, values }: RecordedGraph, node: RecordedNode): OpWork | null {
  const { op, inputs, outputs } = node;
  if (FREE.has(op)) return null;
  const shape = (value: number | undefined): readonly number[] => (value === undefined ? [] : values[value]!.shape);
  const bytes = [...inputs, ...outputs].reduce((sum, value) => sum + bytesOf(values[value]!), 0);
  const [a, b, c] = inputs.map(shape);
  const result = shape(outputs[0]);
  switch (op) {
    case 'Conv2D':
      return { kind: 'convolution', flops: 2 * sizeOf(result) * sizeOf(b!.slice(0, 3)), bytes };
    case 'Conv2DBackpropInput':
      // Inputs: the sizes wanted, the filter [kh,kw,in,out], dy.
      return { kind: 'input-gradient', flops: 2 * sizeOf(c!) * sizeOf(b!.slice(0, 3)), bytes };
    case 'Conv2DBackpropFilter':
      return { kind: 'filter-gradient', flops: 2 * sizeOf(c!) * sizeOf(result.slice(0, 3)), bytes };
    case 'MatMul':
    case 'BatchMatMulV2': {
      // |a| |b| / |result| of single matrices is the square of the summed width, whichever operand is transposed.
      const [A, B, R] = [a!, b!, result].map((dims) => sizeOf(dims.slice(-2))) as [number, number, number];
      const width = Math.sqrt((A * B) / R);
      const flops = 2 * sizeOf(result) * width;
      if (op === 'MatMul' || Math.min(width, result.at(-1)!) >= WIDE) return { kind: 'matmul', flops, bytes };
      return { kind: Math.min(width, result.at(-1)!) < NARROW ? 'narrow-product' : 'product', flops, bytes };
    }
    case 'Softmax':
    case 'LogSoftmax':
      return { kind: 'softmax', flops: 0, bytes };
    case 'BiasAdd': {
      const maker = nodes[values[inputs[0]!]!.node];
      return maker !== undefined && FUSED.has(maker.op) ? null : { kind: 'elementwise', flops: 0, bytes };
    }
    case 'ResourceApplyAdam':
      // Reads gradient, weight and two moments, and writes the three: seven times the gradient, its last input.
      return { kind: 'elementwise', flops: 0, bytes: 7 * bytesOf(values[inputs.at(-1)!]!) };
    default:
      return { kind: MOVES.has(op) ? 'move' : FUNCTIONS.has(op) ? 'function' : 'elementwise', flops: 0, bytes };
  }
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((size, dim) => size * dim, 1);
