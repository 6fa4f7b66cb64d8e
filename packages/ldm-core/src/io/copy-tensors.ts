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
      if (target === 'float16') {
        const overflows = countNonFinite(float32Values('float16', encoded)) - countNonFinite(values);
        if (overflows > 0) throw overflow(checkpoint.file, key, overflows);
      }
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

function overflow(file: string, key: string, count: number): CheckpointError {
  return new CheckpointError({
    file,
    key,
    problem: `${count} values are beyond float16's largest, 65504`,
    advice: 'use bfloat16 or float32',
  });
}
