import { ShapeError, tidyTree } from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';
import { checkRules, type InfluenceOptions, type InfluenceRule, influenceMaps } from './influence.js';
import { type MixedNoise, weightedSum } from './noise-mix.js';

/** What a dynamic diffuser looks at: the noisy latents, or the noise that its own branch predicts. */
export const influenceInputs = ['x_t', 'unet_output'] as const;

/** A name of {@link influenceInputs}. */
export type InfluenceInput = (typeof influenceInputs)[number];

/**
 * One modality: a frozen denoiser and the dynamic diffuser that says where to trust it. Both close over
 * their condition, and return tensors of their own.
 */
export interface Collaborator extends InfluenceRule {
  /** @param x noisy latents [B,H,W,C] @param t timesteps [B] @returns predicted noise [B,H,W,C] */
  readonly eps: (x: tf.Tensor4D, t: tf.Tensor1D) => tf.Tensor4D;
  /** @param input what {@link InfluenceInput} says [B,H,W,C] @param t timesteps [B] @returns logits [B,H,W,1] */
  readonly influence: (input: tf.Tensor4D, t: tf.Tensor1D) => tf.Tensor4D;
}

/** Settings of {@link collaborate}. */
export interface CollaborateOptions extends Omit<InfluenceOptions, 'ruled'> {
  /** Default `x_t`, as in all of the original's configs. */
  readonly influenceInput?: InfluenceInput | undefined;
}

/** A `NoiseMix` that also takes a scalar [], 0 or 1, as `ruled`: one traced step then does either. */
export type RuledMix = (x: tf.Tensor4D, t: tf.Tensor1D, ruled?: boolean | tf.Scalar) => MixedNoise;

/**
 * Collaborative diffusion (Huang et al., CVPR 2023): any number of denoisers, each weighted at each pixel and
 * timestep by the softmax of what the dynamic diffusers say.
 * @param collaborators of different names, exactly one of them the remainder
 * @throws RangeError for rules without a meaning; from the mix, ShapeError if an influence map is not one channel of x's size
 */
export function collaborate(collaborators: readonly Collaborator[], options: CollaborateOptions = {}): RuledMix {
  const { influenceInput = 'x_t', ...rules } = options;
  checkRules(collaborators, rules);
  const names = collaborators.map(({ name }) => name);
  return (x, t, ruled = true) =>
    tidyTree(() => {
      const branches = collaborators.map(({ eps }) => eps(x, t));
      const logits = collaborators.map(({ name, influence }, i) => {
        const map = influence(influenceInput === 'x_t' ? x : branches[i]!, t);
        const [B, H, W] = x.shape;
        if (map.shape.join() === [B, H, W, 1].join()) return map;
        throw new ShapeError(
          `collaborate '${name}'`,
          'the influence map',
          map.shape,
          `[${B},${H},${W},1], as x has it`,
        );
      });
      const weights = influenceMaps(logits, collaborators, t, { ...rules, ruled });
      return weightedSum(names, branches, weights);
    });
}
