import type { Checkpoint } from './checkpoint.js';
import type { StoredTensor } from './stored-tensor.js';

/** A tensor to read, and whether its bytes may lie in a buffer that is used again. */
export interface Wanted {
  readonly fileKey: string;
  readonly tensor: StoredTensor;
  readonly lent: boolean;
}

/** Room for two tensors at a time, where the largest one needs less. */
const LEAST_ROOM = 64 * 2 ** 20;

/**
 * Read tensors in the given order, each while the caller works on the one before, as far as both fit in the room that the
 * largest one takes (at least 64 MiB).
 * @returns one array of bytes a tensor; those of a lent one are overwritten once the next is asked for
 * @throws CheckpointError as `Checkpoint.readBytes`
 */
export async function* readAhead(
  checkpoint: Checkpoint,
  wanted: readonly Wanted[],
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  const sizes = wanted.map(({ tensor }) => tensor.byteLength);
  const room = Math.max(LEAST_ROOM, ...sizes);
  const lent = sizes.filter((_, i) => wanted[i]!.lent);
  // Lent tensors take turns at the two ends of one buffer: two that fit together never touch.
  const buffer = new Uint8Array(Math.min(room, 2 * Math.max(0, ...lent) + ALIGNMENT));
  const read = (i: number): Promise<Uint8Array<ArrayBuffer>> => {
    const { fileKey, lent } = wanted[i]!;
    if (!lent) return checkpoint.readBytes(fileKey);
    const start = i % 2 === 0 ? 0 : alignedBelow(buffer.length - sizes[i]!);
    return checkpoint.readBytes(fileKey, buffer.subarray(start, start + sizes[i]!));
  };
  let ahead: Promise<Uint8Array<ArrayBuffer>> | undefined;
  try {
    for (let i = 0; i < wanted.length; i++) {
      const bytes = await (ahead ?? read(i));
      const fits = i + 1 < wanted.length && sizes[i]! + sizes[i + 1]! + ALIGNMENT <= room;
      ahead = fits ? read(i + 1) : undefined;
      // The caller may stop before it asks for this one; a failure then is nobody's.
      ahead?.catch(() => {});
      yield bytes;
    }
  } finally {
    await ahead?.catch(() => {});
  }
}

/** Where typed arrays of any element may start. */
const ALIGNMENT = 8;

function alignedBelow(offset: number): number {
  return offset - (offset % ALIGNMENT);
}
