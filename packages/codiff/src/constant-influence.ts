import * as tf from '@tensorflow/tfjs-core';

/** Along what an ablation keeps the influence from varying. */
export const constantAxes = ['time', 'space'] as const;

/** A name of {@link constantAxes}. */
export type ConstantAxis = (typeof constantAxes)[number];

/** The timestep that a dynamic diffuser is told at every step where its influence is constant over time. */
const TOLD_TIMESTEP = 0;

/**
 * The logits of a dynamic diffuser whose influence may not vary along an axis: the ablations of influence functions that
 * follow neither the steps of a run nor the places of an image (after Huang et al., CVPR 2023).
 *
 * - `time`: it is told timestep 0 at every step. It still sees the noisy latents, and how noisy they are; schedules of the
 *   mix, where there are any, keep reading the true timestep.
 * - `space`: its logits are averaged over all pixels of an image before the softmax over the collaborators.
 * @param predict the dynamic diffuser: timesteps [B] to logits [B,H,W,1]
 * @param t true timesteps [B]
 * @returns logits [B,H,W,1]
 */
export function constantInfluence(
  predict: (t: tf.Tensor1D) => tf.Tensor4D,
  t: tf.Tensor1D,
  axis: ConstantAxis | null,
): tf.Tensor4D {
  return tf.tidy(() => {
    if (axis === 'time') return predict(tf.fill<tf.Rank.R1>(t.shape, TOLD_TIMESTEP, t.dtype as 'int32'));
    const logits = predict(t);
    return axis === 'space' ? tf.add(tf.zerosLike(logits), tf.mean(logits, [1, 2], true)) : logits;
  });
}
