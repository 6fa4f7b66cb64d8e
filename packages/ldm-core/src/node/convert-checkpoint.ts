import type { OpenOptions } from '../io/checkpoint.js';
import { type CopyOptions, copyTensors } from '../io/copy-tensors.js';
import { openCheckpointFile } from './open-checkpoint-file.js';
import { formatOf, type SaveOptions, saveTensors } from './save-params.js';

/**
 * Write a checkpoint's weights to another file, in the format its ending asks for; one tensor in memory at a time.
 * @returns the number of tensors written
 * @throws CheckpointError
 */
export async function convertCheckpoint(
  from: string,
  to: string,
  options: CopyOptions & OpenOptions & Pick<SaveOptions, 'signal'> = {},
): Promise<number> {
  formatOf(to);
  const checkpoint = await openCheckpointFile(from, options);
  try {
    const tensors = copyTensors(checkpoint, options);
    const { signal } = options;
    await saveTensors(to, tensors, {
      metadata: Object.fromEntries(checkpoint.metadata),
      ...(signal ? { signal } : {}),
    });
    return tensors.size;
  } finally {
    await checkpoint.close();
  }
}
