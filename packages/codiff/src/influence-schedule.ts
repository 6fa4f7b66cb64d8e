import * as tf from '@tensorflow/tfjs-core';

/** How a collaborator's influence may fall as x gets cleaner: in proportion to t, or along half a cosine. */
export const influenceSchedules = ['linear_decay', 'cosine_decay'] as const;

/** A name of {@link influenceSchedules}. */
export type InfluenceSchedule = (typeof influenceSchedules)[number];

/** The t at which a schedule gives 1, whatever the model's number of steps: a constant of the original. */
const FULL_INFLUENCE_AT = 1000;

/**
 * The factor k on an influence map at a timestep: linear_decay t/1000; cosine_decay (cos((1 - t/1000) π) + 1)/2, which is
 * 1 at t = 1000 and 0 at t = 0.
 * @param t timesteps [B]; the first counts for the whole batch, as in the original
 * @returns k, a scalar []
 */
export function scheduleFactor(schedule: InfluenceSchedule, t: tf.Tensor1D): tf.Scalar {
  return tf.tidy(() => {
    const first = tf.reshape(tf.slice(t, [0], [1]), []);
    const share = tf.div<tf.Scalar>(tf.cast(first, 'float32'), FULL_INFLUENCE_AT);
    if (schedule === 'linear_decay') return share;
    // sin²(πs/2) is the same number, and does not cancel near s = 0 in float32.
    return tf.square(tf.sin(tf.mul(share, Math.PI / 2)));
  });
}
