import { join } from 'node:path';
import { float32Values } from '@codiff/ldm-core';
import { openCheckpointFile } from '@codiff/ldm-core/node';
import { PretrainError } from './pretrain-error.js';
import { shippedFile } from './stage-table.js';

/**
 * See that the branches of a collaborative model were trained on latents of one scale: each measures it on its first batches,
 * which are the same where the seeds are. The collaborative model has one scale, the text branch's.
 * @param root the repository @throws PretrainError if they were not
 */
export async function checkSameScale(root: string): Promise<void> {
  const [mask, text] = [await scaleOf(root, 'mask'), await scaleOf(root, 'text')];
  if (mask === text) return;
  throw new PretrainError(
    `${shippedFile('mask')} was trained on latents of scale ${mask}, and ${shippedFile('text')} of ${text}; train the two by one seed and data set`,
  );
}

async function scaleOf(root: string, stage: 'mask' | 'text'): Promise<number> {
  const checkpoint = await openCheckpointFile(join(root, shippedFile(stage)));
  try {
    const { dtype } = checkpoint.tensor('scale_factor');
    return float32Values(dtype, await checkpoint.readBytes('scale_factor'))[0]!;
  } finally {
    await checkpoint.close();
  }
}
