import { tidyTree } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import type { Collaborator } from './collaborate.js';
import { checkRules } from './influence.js';
import { type NoiseMix, weightedSum } from './noise-mix.js';

/** A collaborator of {@link composeFixed}. */
export interface FixedCollaborator extends Pick<Collaborator, 'name' | 'eps' | 'remainder'> {
  /**
   * Its weight at every pixel and timestep; the remainder has none of its own. A scalar [] instead of a number: a compiled mix then
   * takes another at each call.
   */
  readonly weight?: number | tf.Scalar | undefined;
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
  for (const { name, remainder, weight } of collaborators) {
    const given = weight instanceof tf.Tensor ? weight.rank === 0 : Number.isFinite(weight);
    if (remainder ? weight !== undefined : !given) {
      const got = weight instanceof tf.Tensor ? `[${weight.shape}]` : weight;
      throw new RangeError(
        `composeFixed: the weight of '${name}' is ${got}; ` +
          (remainder ? 'the remainder gets what the others leave, so give it none' : 'wanted a number'),
      );
    }
  }
  const names = collaborators.map(({ name }) => name);
  return (x, t) =>
    tidyTree(() => {
      const [B, H, W] = x.shape;
      const left = remainderOf(collaborators);
      const weights = collaborators.map(({ weight = left }) => spread(weight, [B, H, W, 1]));
      return weightedSum(
        names,
        collaborators.map(({ eps }) => eps(x, t)),
        weights,
      );
    });
}

/** What the others leave: in double precision where all are numbers. */
function remainderOf(collaborators: readonly FixedCollaborator[]): number | tf.Scalar {
  return collaborators.reduce<number | tf.Scalar>((left, { weight = 0 }) => {
    if (typeof left === 'number' && typeof weight === 'number') return left - weight;
    return tf.sub(left, weight) as tf.Scalar;
  }, 1);
}

/** One weight at every pixel. */
const spread = (weight: number | tf.Scalar, shape: [number, number, number, number]): tf.Tensor4D =>
  (typeof weight === 'number' ? tf.fill(shape, weight) : tf.add(tf.zeros(shape), weight)) as tf.Tensor4D;
