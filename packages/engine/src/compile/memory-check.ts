import type { Engine } from '../engine.js';
import { EngineError } from '../errors.js';
import { heldBytes } from '../held-bytes.js';
import type { PackedWeights } from '../kernels/packed-weights.js';
import { canTake, tensorLimit } from '../memory-limit.js';
import type { MemoryEstimate } from './memory-estimate.js';
import { fitsPool } from './pool-model.js';

const MIB = 2 ** 20;

/** Refuses the calls of one compiled function that would reach the memory limit. */
export class MemoryCheck {
  /** Free bytes at the last close call, and whether it fitted. */
  private last: { readonly free: number; readonly fits: boolean } | undefined;

  constructor(
    private readonly label: string,
    private readonly estimate: MemoryEstimate,
  ) {}

  /**
   * TensorFlow would notice too, but late, and not everywhere: oneDNN's convolutions do not look whether they got memory for
   * their result, and would end the process.
   * @param packed weights that the function keeps from its first call on
   * @throws EngineError `resource-exhausted`
   */
  refuseTooLarge({ binding }: Engine, packed: PackedWeights): void {
    const limit = tensorLimit();
    if (limit === null) return;
    const { bytes, largest, op } = this.estimate;
    const held = heldBytes(binding.slots) + (packed.held ? 0 : packed.bytes);
    // No allocation takes more than twice what it is asked for.
    if (held + 2 * bytes <= limit) return;
    if (held + bytes <= limit && this.fits(limit - held) && canTake(binding.runtime.native, [largest])) return;
    const [needs, holds, most] = [bytes, held, limit].map((amount) => Math.ceil(amount / MIB));
    throw new EngineError(
      `compile '${this.label}': a call needs about ${needs} MiB, most of all at ${op}, beside ${holds} MiB of tensors, and memoryLimitMiB is ${most}. Memory ran out: use a smaller batch, lower precision or gradient checkpointing, or raise memoryLimitMiB.`,
      { code: 'resource-exhausted', op: this.label },
    );
  }

  private fits(free: number): boolean {
    if (this.last?.free !== free) this.last = { free, fits: fitsPool(this.estimate.takings, free) };
    return this.last.fits;
  }
}
