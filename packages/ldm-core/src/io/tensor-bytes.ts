import { contiguousStrides } from '../nn/strides.js';
import type { ByteSource } from './byte-source.js';
import { dtypeBytes } from './dtype.js';
import { storageStart } from './storage-start.js';
import type { StoredTensor } from './stored-tensor.js';

/** Most bytes held beside the result while a tensor with gaps or another order is read. */
const WINDOW = 16 * 2 ** 20;

/**
 * Read a tensor into `target` in row-major order, whatever its strides. One read where it lies so in the file.
 * @param target exactly `tensor.byteLength` bytes
 * @throws CheckpointError if the storage leaves the file
 */
export async function readTensorBytes(
  source: ByteSource,
  tensor: StoredTensor,
  key: string,
  target: Uint8Array,
): Promise<void> {
  if (tensor.numel === 0) return;
  const width = dtypeBytes(tensor.dtype);
  const base = await storageStart(source, tensor.storage, key);
  if (tensor.contiguous) return source.readInto(target, base + tensor.offset * width);
  const gather = new Gather(source, base, width, target);
  // From the longest step to the shortest, so that what is read together lies together.
  const order = tensor.shape.map((_, axis) => axis).sort((a, b) => tensor.strides[b]! - tensor.strides[a]!);
  const outSteps = contiguousStrides(tensor.shape);
  const axes = order.map((axis) => ({
    size: tensor.shape[axis]!,
    step: tensor.strides[axis]!,
    outStep: outSteps[axis]!,
  }));
  await gather.run(axes, tensor.offset, 0);
}

interface Axis {
  readonly size: number;
  /** Step in the storage, in elements. */
  readonly step: number;
  /** Step in the result, in elements. */
  readonly outStep: number;
}

class Gather {
  private window = new Uint8Array(0);

  constructor(
    private readonly source: ByteSource,
    private readonly base: number,
    private readonly width: 1 | 2 | 4 | 8,
    private readonly target: Uint8Array,
  ) {}

  /** Read a block; one that spans more than the window is cut along its longest step. */
  async run(axes: readonly Axis[], from: number, to: number): Promise<void> {
    const span = axes.reduce((reach, { size, step }) => reach + (size - 1) * step, 1);
    const [first, ...rest] = axes;
    if (span * this.width <= WINDOW || first === undefined) return this.copy(axes, from, to, span);
    const inner = rest.reduce((reach, { size, step }) => reach + (size - 1) * step, 1);
    const fitting = Math.max(1, 1 + Math.floor((WINDOW / this.width - inner) / first.step));
    for (let i = 0; i < first.size; i += fitting) {
      const size = Math.min(fitting, first.size - i);
      const block = size === 1 ? rest : [{ ...first, size }, ...rest];
      await this.run(block, from + i * first.step, to + i * first.outStep);
    }
  }

  private async copy(axes: readonly Axis[], from: number, to: number, span: number): Promise<void> {
    const length = span * this.width;
    if (this.window.length < length) this.window = new Uint8Array(length);
    const window = this.window.subarray(0, length);
    await this.source.readInto(window, this.base + from * this.width);
    const input = elements(window, this.width);
    const output = elements(this.target, this.width);
    if (input.BYTES_PER_ELEMENT === output.BYTES_PER_ELEMENT) scatter(input, output, 1, axes, to);
    else scatter(window, this.target, this.width, axes, to);
  }
}

type Elements = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/** The bytes as whole elements where their alignment allows, else as they are. */
function elements(bytes: Uint8Array, width: 1 | 2 | 4 | 8): Elements {
  const { buffer, byteOffset, byteLength } = bytes;
  if (byteOffset % width !== 0) return bytes;
  if (width === 2) return new Uint16Array(buffer, byteOffset, byteLength / 2);
  if (width === 4) return new Uint32Array(buffer, byteOffset, byteLength / 4);
  // Copies of float64 keep every bit, NaN payloads included, on the engines in use; BigInt arrays would be ten times slower.
  return width === 8 ? new Float64Array(buffer, byteOffset, byteLength / 8) : bytes;
}

/** Copy a block, `unit` array items an element; axes run from outermost to innermost. */
function scatter(input: Elements, output: Elements, unit: number, axes: readonly Axis[], to: number): void {
  const walk = (depth: number, from: number, at: number): void => {
    const axis = axes[depth];
    if (axis === undefined) {
      for (let u = 0; u < unit; u++) output[at * unit + u] = input[from * unit + u]!;
      return;
    }
    const { size, step, outStep } = axis;
    if (depth === axes.length - 1 && unit === 1) {
      for (let i = 0, f = from, t = at; i < size; i++, f += step, t += outStep) output[t] = input[f]!;
      return;
    }
    for (let i = 0; i < size; i++) walk(depth + 1, from + i * step, at + i * outStep);
  };
  walk(0, 0, to);
}
