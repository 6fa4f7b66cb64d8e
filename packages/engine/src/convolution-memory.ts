import type { BackendValues } from '@tensorflow/tfjs-core';
import { EngineError } from './errors.js';
import { heldBytes } from './held-bytes.js';
import { canTake, tensorLimit } from './memory-limit.js';
import type { Runtime } from './runtime.js';
import type { SlotTable } from './slots.js';
import type { OpAttr } from './tfjs-node.js';

const MIB = 2 ** 20;
const FLOAT_BYTES = 4;

/** What is asked of the binding. */
interface Tensors {
  readonly runtime: Runtime;
  readonly slots: SlotTable;
  tensorDataSync(id: number): BackendValues;
}

/** Kernels of oneDNN that take what they got for their result without a look. */
const CONVOLUTIONS: ReadonlySet<string> = new Set(['Conv2D', 'Conv2DBackpropInput', 'Conv2DBackpropFilter']);

/**
 * Refuse an eager convolution whose result does not fit under the memory limit: oneDNN's kernels do not check what the
 * allocator gave them, and would end the process.
 * @throws EngineError `resource-exhausted`
 */
export function refuseLargeConvolution(
  binding: Tensors,
  name: string,
  attrs: readonly OpAttr[],
  ids: readonly number[],
): void {
  const limit = tensorLimit();
  if (limit === null || !CONVOLUTIONS.has(name)) return;
  const shapes = ids.map((id) => binding.slots.get(id).shape);
  const shape =
    name === 'Conv2D' ? convolutionShape(shapes, attrs) : sizesOf(binding, ids[name.endsWith('Input') ? 0 : 1]!);
  const bytes = FLOAT_BYTES * shape.reduce((product, dim) => product * dim, 1);
  const held = heldBytes(binding.slots);
  if (held + 4 * bytes <= limit) return;
  // Calls that still wait give back what they use between; an answer before that would be about another moment.
  binding.runtime.drain();
  if (held + bytes <= limit && canTake(binding.runtime.native, [bytes])) return;
  const [needs, holds, most] = [bytes, held, limit].map((amount) => Math.ceil(amount / MIB));
  throw new EngineError(
    `${name} inputs ${shapes.map((dims) => `[${dims.join(',')}]`).join(' ')}: the result takes ${needs} MiB beside ${holds} MiB of tensors, and memoryLimitMiB is ${most}. Memory ran out: dispose of something, use a smaller batch, or raise memoryLimitMiB.`,
    { code: 'resource-exhausted', op: name, inputShapes: shapes },
  );
}

/** The shape that a gradient is told to have. */
function sizesOf(binding: Tensors, id: number): readonly number[] {
  return Array.from(binding.tensorDataSync(id) as Int32Array);
}

/** Shape of a convolution's result, NHWC. @param shapes of image and filter [kh,kw,in,out] */
export function convolutionShape(
  [image, filter]: readonly (readonly number[])[],
  attrs: readonly OpAttr[],
): readonly number[] {
  const attribute = (name: string): unknown => attrs.find((attr) => attr.name === name)?.value;
  const numbers = (name: string): readonly number[] | undefined => attribute(name) as readonly number[] | undefined;
  const [strides, dilations, sides] = [numbers('strides'), numbers('dilations'), numbers('explicit_paddings')];
  const padding = attribute('padding');
  const length = (axis: 1 | 2): number => {
    const [size, stride] = [image![axis]!, strides?.[axis] ?? 1];
    if (padding === 'SAME') return Math.ceil(size / stride);
    const reach = (filter![axis - 1]! - 1) * (dilations?.[axis] ?? 1) + 1;
    const added = padding === 'EXPLICIT' ? (sides?.[2 * axis] ?? 0) + (sides?.[2 * axis + 1] ?? 0) : 0;
    return Math.max(0, Math.floor((size + added - reach) / stride) + 1);
  };
  return [image![0]!, length(1), length(2), filter![3]!];
}
