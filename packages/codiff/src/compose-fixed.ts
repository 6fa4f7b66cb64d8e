import { tidyTree } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import type { Collaborator } from './collaborate.js';
import { checkRules } from './influence.js';
import { type NoiseMix, weightedSum } from './noise-mix.js';

/** A collaborator of {@link composeFixed}. */
export interface FixedCollaborator extends Pick<Collaborator, 'name' | 'eps' | 'remainder'> {
  /** Its weight at every pixel and timestep; the remainder has none of its own. */
  readonly weight?: number | undefined;
}

/**
 * The baseline without dynamic diffusers: one fixed weight a collaborator, the remainder getting 1 minus the others.
 *
 * With an unconditional model as the remainder this is Composable Diffusion (the conjunction of Liu et al., ECCV 2022),
 * eps = eps_∅ + Σ w_i (eps_i - eps_∅); with text as the remainder, a plain mix of modalities.
 * @throws RangeError unless all have a number but exactly one, the remainder
 */
export function composeFixed(collaborators: readonly FixedCollaborator[]): NoiseMix {
  checkRules(collaborators, {});
  let left = 1;
  for (const { name, remainder, weight } of collaborators) {
    if (remainder ? weight !== undefined : !Number.isFinite(weight)) {
      throw new RangeError(
        `composeFixed: the weight of '${name}' is ${weight}; ` +
          (remainder ? 'the remainder gets what the others leave, so give it none' : 'wanted a number'),
      );
    }
    left -= weight ?? 0;
  }
  const names = collaborators.map(({ name }) => name);
  return (x, t) =>
    tidyTree(() => {
      const [B, H, W] = x.shape;
      const weights = collaborators.map(({ weight = left }) => tf.fill([B, H, W, 1], weight) as tf.Tensor4D);
      return weightedSum(
        names,
        collaborators.map(({ eps }) => eps(x, t)),
        weights,
      );
    });
}
