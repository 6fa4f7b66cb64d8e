import { bytesOfType, DataType } from '../capi/data-type.js';
import { PACKED_OPERATIONS } from '../kernels/packed-weights.js';
import type { RecordedGraph, RecordedNode, RecordedValue } from './recorded-graph.js';

/** What else the estimate depends on. */
export interface EstimateOptions {
  /** Whether mixed precision computes in numbers of two bytes. */
  readonly half?: boolean;
  /** Parts of the function that may run at once; by default operations run one after the other. */
  readonly branches?: number;
}

/** Memory that one call takes beyond its arguments and captures. */
export interface MemoryEstimate {
  /** Everything at the worst moment, results included. */
  readonly bytes: number;
  /** The largest single allocation. */
  readonly largest: number;
  /** Operation at the worst moment. */
  readonly op: string;
  /** Of `bytes`: copies of weights in two bytes, which mixed precision makes of those that are not stored so. */
  readonly casts: number;
  /** What is taken and given back, in order: bytes to take, or minus the number of the earlier taking that ends. */
  readonly takings: readonly number[];
}

/** Results that share the memory of what went in. */
const ALIASES: ReadonlySet<string> = new Set([
  ...['Reshape', 'Identity', 'Squeeze', 'ExpandDims', 'StopGradient', 'PreventGradient'],
]);

/** Memory that the caller holds already: arguments, captures, state. */
const OUTSIDE: ReadonlySet<string> = new Set(['Placeholder', 'ReadVariableOp']);

/** Element-wise kernels, which write into an operand that nobody needs any more. */
const IN_PLACE: ReadonlySet<string> = new Set([
  ...['Add', 'AddV2', 'AddN', 'BiasAdd', 'Sub', 'Mul', 'RealDiv', 'Div', 'Maximum', 'Minimum', 'SquaredDifference'],
  ...['Neg', 'Exp', 'Log', 'Log1p', 'Sqrt', 'Rsqrt', 'Square', 'Abs', 'Sigmoid', 'Tanh', 'Relu', 'Erf', 'Sin', 'Cos'],
  ...['SigmoidGrad', 'TanhGrad', 'ReluGrad', 'RsqrtGrad', 'SqrtGrad', 'Elu', 'Softplus', 'Pow', 'Select', 'SelectV2'],
  ...['Softmax', 'LogSoftmax', 'ClipByValue', 'Reciprocal', 'Sign'],
]);

/** Operations that mixed precision gives their weights in half the bytes, cast before anything else runs. */
const CONTRACTIONS: ReadonlySet<string> = new Set([
  ...['Conv2D', 'Conv2DBackpropInput', 'Conv2DBackpropFilter', 'MatMul', 'BatchMatMul', 'BatchMatMulV2'],
  ...PACKED_OPERATIONS,
]);

/** The allocator gives memory in pieces of this many bytes. */
const PIECE = 256;

/** Bytes of a value. */
export function bytesOf({ shape, dtype }: Pick<RecordedValue, 'shape' | 'dtype'>): number {
  return shape.reduce((product, dim) => product * dim, 1) * bytesOfType(dtype);
}

const pieces = (bytes: number): number => Math.ceil(bytes / PIECE) * PIECE;

/** Memory with the reads that are still to come; one value's, or several's that share it. */
interface Buffer {
  readonly bytes: number;
  /** Number of its taking. */
  readonly taking: number;
  reads: number;
}

/**
 * Memory that a call of a traced function takes, by the lifetimes of its values in the order of tracing: a value lives until
 * its last reader has run, element-wise kernels write over an operand that dies, results and constants stay. TensorFlow
 * may run independent operations in another order; what it merges or fuses when it optimises the function takes less. What
 * oneDNN's kernels take for themselves comes from the system, not from the memory of tensors.
 *
 * Updates of state come as soon as what they use is there, and so does what only they need: a weight's gradient is gone before
 * the next layer's comes.
 *
 * Branches are at the worst moment all at once: where there are any, the estimate is the larger of two, in the order of tracing
 * and with what does not need each other in lockstep.
 */
export function estimateMemory(
  graph: RecordedGraph,
  { half = false, branches = 1 }: EstimateOptions = {},
): MemoryEstimate {
  const traced = estimateInOrder(graph, updatesEarly(graph), half);
  if (branches === 1) return traced;
  const abreast = estimateInOrder(graph, lockstep(graph), half);
  return abreast.bytes > traced.bytes ? abreast : traced;
}

/**
 * Operations in the order of tracing, but updates, and what is made of weights and rates for them alone, as soon as all is
 * there that they wait for.
 */
function updatesEarly({ nodes, values, effects }: RecordedGraph): number[] {
  const makers = ({ inputs }: RecordedNode): number[] => inputs.map((input) => values[input]!.node);
  const isLight: boolean[] = [];
  for (const node of nodes)
    isLight.push(OUTSIDE.has(node.op) || (!CONTRACTIONS.has(node.op) && makers(node).every((maker) => isLight[maker])));
  const moves = nodes.map(() => true);
  const updates = new Set(effects);
  const isRead = new Set(nodes.flatMap(makers));
  for (let index = nodes.length - 1; index >= 0; index--) {
    if (!updates.has(index) && !(isLight[index] && isRead.has(index))) moves[index] = false;
    if (!moves[index]) for (const maker of makers(nodes[index]!)) moves[maker] = false;
  }
  const times: number[] = [];
  for (const [index, node] of nodes.entries())
    times.push(
      moves[index] ? Math.max(-1, ...[...makers(node), ...node.after].map((before) => times[before]!)) : index,
    );
  return [...nodes.keys()].sort((a, b) => times[a]! - times[b]! || a - b);
}

/** Operations by how many others have to run before them; of equals the one that was traced first. */
function lockstep({ nodes, values }: RecordedGraph): number[] {
  const depths: number[] = [];
  for (const { inputs, after } of nodes) {
    const before = [...inputs.map((input) => values[input]!.node), ...after];
    depths.push(before.reduce((depth, node) => Math.max(depth, (depths[node] ?? -1) + 1), 0));
  }
  return [...nodes.keys()].sort((a, b) => depths[a]! - depths[b]! || a - b);
}

function estimateInOrder(graph: RecordedGraph, order: readonly number[], half: boolean): MemoryEstimate {
  const { nodes, values, results } = graph;
  const live = neededNodes(graph);
  const reads = new Array<number>(values.length).fill(0);
  for (const node of live) for (const input of nodes[node]!.inputs) reads[input]!++;
  for (const result of results) reads[result]!++;
  const shares = half ? sharesOfMixed(graph, live) : new Map<number, number>();

  const buffers = new Map<number, Buffer>();
  const takings: number[] = [];
  let [held, largest, count] = [0, 0, 0];
  let worst = { bytes: 0, op: '' };
  const take = (bytes: number, reads: number): Buffer => {
    takings.push(bytes);
    held += bytes;
    largest = Math.max(largest, bytes);
    return { bytes, reads, taking: ++count };
  };
  if (half) for (const bytes of castWeights(graph, live)) take(bytes, 1);
  const casts = held;
  for (const index of order) {
    const node = nodes[index]!;
    const { op, inputs, outputs } = node;
    if (!live.has(index) || OUTSIDE.has(op)) continue;
    for (const output of outputs) {
      if (output === undefined) continue;
      const isAlias = isView(graph, node, half);
      const shared = isAlias ? buffers.get(inputs[0]!) : overwritten(graph, node, output, buffers);
      if (shared !== undefined) shared.reads += reads[output]!;
      else if (isAlias) continue;
      const bytes = pieces(bytesOf(values[output]!) * (shares.get(output) ?? 1));
      buffers.set(output, shared ?? take(bytes, reads[output]! + (op === 'Const' ? 1 : 0)));
    }
    if (held > worst.bytes) worst = { bytes: held, op };
    const release = (value: number, read: number): void => {
      const buffer = buffers.get(value);
      if (buffer === undefined) return;
      buffer.reads -= read;
      if (buffer.reads > 0) return;
      held -= buffer.bytes;
      takings.push(-buffer.taking);
      buffers.delete(value);
    };
    for (const input of inputs) release(input, 1);
    for (const output of outputs) if (output !== undefined && reads[output] === 0) release(output, 0);
  }
  return { ...worst, largest, casts, takings };
}

/** Operations that results or effects depend on; TensorFlow leaves the others out. */
export function neededNodes({ nodes, values, results, effects }: RecordedGraph): ReadonlySet<number> {
  const needed = new Set<number>();
  const open = [...results.map((value) => values[value]!.node), ...effects];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node < 0 || needed.has(node)) continue;
    needed.add(node);
    for (const input of nodes[node]!.inputs) open.push(values[input]!.node);
  }
  return needed;
}

/** The memory of an operand that an element-wise operation may write over. */
function overwritten(
  { values }: RecordedGraph,
  { op, inputs }: RecordedNode,
  output: number,
  buffers: ReadonlyMap<number, Buffer>,
): Buffer | undefined {
  if (!IN_PLACE.has(op)) return undefined;
  const bytes = bytesOf(values[output]!);
  const operand = inputs.find((input) => {
    const { dtype } = values[input]!;
    return buffers.get(input)?.reads === 1 && bytesOf(values[input]!) === bytes && dtype === values[output]!.dtype;
  });
  return operand === undefined ? undefined : buffers.get(operand);
}

/**
 * Whether an operation's result is its operand under another name. Mixed precision takes weights that are stored in two bytes as
 * they are: their cast to float32 and its own back cancel each other.
 */
function isView({ nodes, values }: RecordedGraph, { op, inputs, outputs }: RecordedNode, half: boolean): boolean {
  if (op !== 'Cast') return ALIASES.has(op);
  const [from, to] = [values[inputs[0]!]!, values[outputs[0]!]!];
  if (from.dtype === to.dtype) return true;
  return half && bytesOfType(from.dtype) === 2 && OUTSIDE.has(nodes[from.node]?.op ?? '');
}

/**
 * Bytes of each value, as a share of what they are in float32. Mixed precision halves what lies between two contractions;
 * the result of the last one on a path is cast back, for what comes after it.
 */
function sharesOfMixed({ nodes, values }: RecordedGraph, live: ReadonlySet<number>): Map<number, number> {
  const feeds = new Set<number>();
  const shares = new Map<number, number>();
  for (let index = nodes.length - 1; index >= 0; index--) {
    const { op, inputs, outputs } = nodes[index]!;
    if (!live.has(index)) continue;
    const contracts = CONTRACTIONS.has(op);
    const isFed = outputs.some((output) => feeds.has(output));
    if (contracts || isFed) for (const input of inputs) feeds.add(input);
    for (const output of outputs) {
      const { dtype } = values[output]!;
      if (dtype !== DataType.float || op === 'Const') continue;
      if (isFed) shares.set(output, 1 / 2);
      else if (contracts) shares.set(output, 3 / 2);
    }
  }
  return shares;
}

/** Bytes of each halved copy of a weight. */
function castWeights(graph: RecordedGraph, live: ReadonlySet<number>): number[] {
  const { nodes, values } = graph;
  const isNamed = (node: RecordedNode | undefined): boolean => node !== undefined && isView(graph, node, true);
  const cast = new Set<number>();
  for (const node of live) {
    if (!CONTRACTIONS.has(nodes[node]!.op)) continue;
    for (const input of nodes[node]!.inputs) {
      let origin = input;
      while (isNamed(nodes[values[origin]!.node])) origin = nodes[values[origin]!.node]!.inputs[0]!;
      const { node, dtype } = values[origin]!;
      if (OUTSIDE.has(nodes[node]?.op ?? '') && dtype === DataType.float) cast.add(origin);
    }
  }
  return [...cast].map((value) => pieces(bytesOf(values[value]!) / 2));
}
