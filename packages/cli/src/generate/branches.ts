import { LatentDiffusionCompose } from '@codiff/codiff';
import type { OpenModel } from './open-model.js';

/** Each half of a batch has packed weights of its own (`--pack_weights`): more parts would take more memory than they save time. */
const MOST_PARTS = 2;

/**
 * Parts of a sampling step that do not need each other: the models that collaborate; for one model alone, the halves of a batch.
 * @param batch images that a step computes
 */
export function branchesOf(model: OpenModel['model'], batch: number): number {
  return model instanceof LatentDiffusionCompose ? model.conditions.length : Math.min(MOST_PARTS, batch);
}
