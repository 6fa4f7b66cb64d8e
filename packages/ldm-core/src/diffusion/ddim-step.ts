import * as tf from '@tensorflow/tfjs-core';
import type { DdimSchedule } from './ddim-schedule.js';
import type { Advance } from './run-steps.js';

/**
 * One DDIM step (arXiv 2010.02502, equation 12, whose α is our ᾱ): x_0 = (x - √(1-ᾱ) eps)/√ᾱ, then
 * x ← √ᾱ_prev x_0 + √(1-ᾱ_prev-σ²) eps + σ noise.
 * @param x [B,H,W,C] @param eps [B,H,W,C] @param index entry of the schedule
 * @param noise [B,H,W,C]; absent: no noise is added, whatever σ is
 */
export function ddimStep(
  table: DdimSchedule,
  index: number,
  x: tf.Tensor4D,
  eps: tf.Tensor4D,
  noise?: tf.Tensor4D,
): Advance {
  const alphaPrev = table.alphasPrev[index]!;
  const sigma = table.sigmas[index]!;
  // The radicand is 0 at worst (eta 1 at a schedule's end); rounding may leave it just below.
  const direction = Math.sqrt(Math.max(1 - alphaPrev - sigma ** 2, 0));
  return tf.tidy(() => {
    const predX0 = tf.div<tf.Tensor4D>(
      tf.sub(x, tf.mul(eps, table.sqrtOneMinusAlphas[index]!)),
      Math.sqrt(table.alphas[index]!),
    );
    const mean = tf.add<tf.Tensor4D>(tf.mul(predX0, Math.sqrt(alphaPrev)), tf.mul(eps, direction));
    return { x: noise ? tf.add<tf.Tensor4D>(mean, tf.mul(noise, sigma)) : mean, predX0 };
  });
}
