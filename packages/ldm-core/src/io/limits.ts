import type { ByteSource } from './byte-source.js';
import { CheckpointError } from './checkpoint-error.js';
import type { StoredTensor } from './stored-tensor.js';

/** A file may describe this much more than it holds, in bytes, ... */
const EXTRA = 64 * 2 ** 20;
/** ... plus its own size this many times: expanded tensors, and weights stored once under several keys. */
const FACTOR = 4;

/**
 * Refuse files whose tensors, written out, would take far more room than the file: a few bytes can describe terabytes by
 * strides of zero or by one storage under many keys.
 * @throws CheckpointError naming the tensor that goes too far
 */
export function checkExpansion(source: ByteSource, tensors: ReadonlyMap<string, StoredTensor>): void {
  const limit = FACTOR * source.size + EXTRA;
  let total = 0;
  for (const [key, tensor] of tensors) {
    total += tensor.byteLength;
    if (!(total <= limit)) {
      throw new CheckpointError({
        file: source.name,
        key,
        problem: `tensors up to this one take ${total} bytes, from a file of ${source.size}`,
        advice: 'the file repeats its data by strides or shared storages far beyond what models do; do not trust it',
      });
    }
  }
}
