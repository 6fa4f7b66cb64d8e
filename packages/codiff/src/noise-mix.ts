import * as tf from '@tensorflow/tfjs-core';

/** What several collaborators say together. The caller owns the tensors. */
export interface MixedNoise {
  /** The mixed noise [B,H,W,C]. */
  readonly eps: tf.Tensor4D;
  /** Weight of each collaborator at each pixel, by name, each [B,H,W,1]; they add up to 1. */
  readonly influence: Readonly<Record<string, tf.Tensor4D>>;
  /** The noise that each collaborator predicts on its own, by name, each [B,H,W,C]. */
  readonly branches: Readonly<Record<string, tf.Tensor4D>>;
}

/**
 * Several denoisers as one: a pure function, traceable, so that the collaborators of a step run side by side in one
 * compiled function.
 * @param x noisy latents [B,H,W,C]
 * @param t timesteps [B]
 * @param ruled false: plain influence, without schedules, scales and second softmax. Default true
 */
export type NoiseMix = (x: tf.Tensor4D, t: tf.Tensor1D, ruled?: boolean) => MixedNoise;

/**
 * The sum of the branches, each weighted by its influence.
 * @param names of the collaborators @param branches their noise, each [B,H,W,C] @param weights each [B,H,W,1]
 */
export function weightedSum(
  names: readonly string[],
  branches: readonly tf.Tensor4D[],
  weights: readonly tf.Tensor4D[],
): MixedNoise {
  const eps = tf.tidy(() =>
    branches
      .map((branch, i) => tf.mul<tf.Tensor4D>(weights[i]!, branch))
      .reduce((sum, weighted) => tf.add(sum, weighted)),
  );
  const named = (tensors: readonly tf.Tensor4D[]) => Object.fromEntries(names.map((name, i) => [name, tensors[i]!]));
  return { eps, influence: named(weights), branches: named(branches) };
}
