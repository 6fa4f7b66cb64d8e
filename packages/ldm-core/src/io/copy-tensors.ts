import type { Checkpoint } from './checkpoint.js';
import { CheckpointError } from './checkpoint-error.js';
import { type DType, isFloating } from './dtype.js';
import { countNonFinite, encodeValues, float32Values } from './element-values.js';
import { TensorToWrite } from './tensor-to-write.js';

/** What happens to tensors on their way from one file to another. */
export interface CopyOptions {
  /** Element type for floating-point tensors; integers stay. Default: as they are. */
  readonly dtype?: DType;
  /** Keep only keys with this prefix, and take it off. */
  readonly stripPrefix?: string;
}

/**
 * The tensors of an open checkpoint as tensors of a file to write, one in memory at a time.
 * @throws CheckpointError if no key has the prefix; while writing, if a finite value becomes infinite in the new type
 */
export function copyTensors(checkpoint: Checkpoint, options: CopyOptions = {}): Map<string, TensorToWrite> {
  const { dtype, stripPrefix = '' } = options;
  const copies = new Map<string, TensorToWrite>();
  for (const [key, tensor] of checkpoint.tensors) {
    if (!key.startsWith(stripPrefix) || (stripPrefix !== '' && key.length === stripPrefix.length)) continue;
    const target = dtype !== undefined && isFloating(tensor.dtype) ? dtype : tensor.dtype;
    const bytes = async () => {
      const stored = await checkpoint.readBytes(key);
      if (target === tensor.dtype) return stored;
      const values = float32Values(tensor.dtype, stored);
      const encoded = encodeValues(target, values);
      const lost = countInfinite(target, encoded) - countInfinite(tensor.dtype, stored);
      if (lost > 0) throw overflow(checkpoint.file, key, target, lost);
      return encoded;
    };
    copies.set(key.slice(stripPrefix.length), new TensorToWrite(target, tensor.shape, bytes));
  }
  if (copies.size > 0) return copies;
  throw new CheckpointError({
    file: checkpoint.file,
    problem: `none of its ${checkpoint.tensors.size} keys starts with '${stripPrefix}'`,
    advice: "list its prefixes with 'codiff checkpoint inspect'",
  });
}

/** How many elements are NaN or infinite, in their own type: float32 would turn large float64 into infinities. */
function countInfinite(dtype: DType, bytes: Uint8Array<ArrayBuffer>): number {
  if (dtype !== 'float64') return countNonFinite(float32Values(dtype, bytes));
  const values = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8);
  return values.reduce((count, value) => (Number.isFinite(value) ? count : count + 1), 0);
}

function overflow(file: string, key: string, dtype: DType, count: number): CheckpointError {
  const half = dtype === 'float16';
  return new CheckpointError({
    file,
    key,
    problem: `${count} values are beyond ${dtype}'s largest, ${half ? '65504' : 'about 3.4e38'}`,
    advice: half ? 'use bfloat16 or float32' : 'keep the type they have',
  });
}
