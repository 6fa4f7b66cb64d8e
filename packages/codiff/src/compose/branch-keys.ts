import { Params } from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';
import type { Condition } from '../config/conditions.js';

/**
 * Prefixes of a branch's own checkpoint and what the collaborative model has for them (original, 5.5). What begins with none
 * is not taken from this branch: the noise schedule, averages, and the first stage of every branch but text.
 */
export function branchPrefixes(condition: Condition): (readonly [from: string, to: string])[] {
  const parts = [
    ['model.', `model.${condition}_unet.`],
    ['cond_stage_model.', `cond_stage_model.${condition}_cond_stage_model.`],
  ] as const;
  return condition === 'text' ? [...parts, ['first_stage_model.', 'first_stage_model.']] : [...parts];
}

/**
 * Where a collaborative model keeps a tensor of a branch's own checkpoint (original, 5.5).
 * @param key in the branch, e.g. `model.diffusion_model.out.2.weight`
 * @returns the key in the collaborative model; nothing for what it does not take from this branch: the noise schedule,
 *   averages, and the first stage of every branch but text
 */
export function composedKey(key: string, condition: Condition): string | undefined {
  const prefix = branchPrefixes(condition).find(([from]) => key.startsWith(from));
  return prefix && prefix[1] + key.slice(prefix[0].length);
}

/**
 * The weights of a collaborative model with the UNets of one branch replaced, e.g. by those that editing has tuned.
 * Tensors are shared, not copied.
 * @param branch keyed as in the branch's own checkpoint; only its UNet is taken
 * @throws RangeError if `branch` holds no UNet, or one that the model has not
 */
export function withBranchUNet(p: Params, condition: Condition, branch: ReadonlyMap<string, tf.Tensor>): Params {
  const tuned = new Params();
  for (const [key, tensor] of branch) {
    if (key.startsWith('model.')) tuned.set(composedKey(key, condition)!, tensor);
  }
  const own = [...p.keys()].filter((key) => key.startsWith(`model.${condition}_unet.`));
  const missing = own.filter((key) => !tuned.has(key));
  const unexpected = [...tuned.keys()].filter((key) => !p.has(key));
  if (own.length === 0 || missing.length > 0 || unexpected.length > 0) {
    const first = missing[0] ?? unexpected[0];
    throw new RangeError(
      `branch '${condition}': the given UNet has ${tuned.size} tensors, the model's has ${own.length}` +
        (first === undefined ? '' : ` (first that differs: '${first}')`) +
        '; give the weights of a model of the same config',
    );
  }
  return p.merge(tuned);
}
