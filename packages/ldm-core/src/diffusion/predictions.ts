import * as tf from '@tensorflow/tfjs-core';
import { combine, extract } from './extract.js';
import type { Parameterization } from './parameterization.js';
import type { Schedule } from './schedule.js';

/**
 * v = √ᾱ eps - √(1-ᾱ) x_0 of a clean sample and its noise: the training target under `v` (Salimans & Ho 2022, arXiv
 * 2202.00512, appendix D).
 * @param x0 [B,H,W,C] @param t int32 [B] @param noise [B,H,W,C] @returns [B,H,W,C]
 */
export function velocity(schedule: Schedule, x0: tf.Tensor4D, t: tf.Tensor1D, noise: tf.Tensor4D): tf.Tensor4D {
  return combine(tf.sub, t, [schedule.sqrtAlphasCumprod, noise], [schedule.sqrtOneMinusAlphasCumprod, x0]);
}

/**
 * x_0 = √ᾱ x_t - √(1-ᾱ) v (Salimans & Ho 2022, appendix D).
 * @param xt [B,H,W,C] @param t int32 [B] @param v [B,H,W,C] @returns [B,H,W,C]
 */
export function predictStartFromVelocity(
  schedule: Schedule,
  xt: tf.Tensor4D,
  t: tf.Tensor1D,
  v: tf.Tensor4D,
): tf.Tensor4D {
  return combine(tf.sub, t, [schedule.sqrtAlphasCumprod, xt], [schedule.sqrtOneMinusAlphasCumprod, v]);
}

/**
 * eps = √ᾱ v + √(1-ᾱ) x_t: v of {@link velocity}, solved for the noise.
 * @param xt [B,H,W,C] @param t int32 [B] @param v [B,H,W,C] @returns [B,H,W,C]
 */
export function predictEpsFromVelocity(
  schedule: Schedule,
  xt: tf.Tensor4D,
  t: tf.Tensor1D,
  v: tf.Tensor4D,
): tf.Tensor4D {
  return combine(tf.add, t, [schedule.sqrtAlphasCumprod, v], [schedule.sqrtOneMinusAlphasCumprod, xt]);
}

/**
 * eps = (x_t/√ᾱ - x_0)/√(1/ᾱ - 1): DDPM (arXiv 2006.11239) equation 15, solved for the noise.
 * @param xt [B,H,W,C] @param t int32 [B] @param x0 [B,H,W,C] @returns [B,H,W,C]
 */
export function predictEpsFromStart(schedule: Schedule, xt: tf.Tensor4D, t: tf.Tensor1D, x0: tf.Tensor4D): tf.Tensor4D {
  return tf.tidy(() =>
    tf.div(
      tf.sub(tf.mul(extract(schedule.sqrtRecipAlphasCumprod, t), xt), x0),
      extract(schedule.sqrtRecipm1AlphasCumprod, t),
    ),
  );
}

/**
 * x_0 = x_t/√ᾱ - √(1/ᾱ - 1) eps, DDPM (arXiv 2006.11239) equation 15.
 * @param xt [B,H,W,C] @param t int32 [B] @param eps [B,H,W,C] @returns [B,H,W,C]
 */
export function predictStartFromNoise(
  schedule: Schedule,
  xt: tf.Tensor4D,
  t: tf.Tensor1D,
  eps: tf.Tensor4D,
): tf.Tensor4D {
  return combine(tf.sub, t, [schedule.sqrtRecipAlphasCumprod, xt], [schedule.sqrtRecipm1AlphasCumprod, eps]);
}

/**
 * The clean latents that a network's output means, whatever it predicts.
 * @param xt [B,H,W,C] @param t int32 [B] @param output [B,H,W,C] @returns [B,H,W,C], a tensor of its own
 */
export function predictStart(
  schedule: Schedule,
  parameterization: Parameterization,
  xt: tf.Tensor4D,
  t: tf.Tensor1D,
  output: tf.Tensor4D,
): tf.Tensor4D {
  switch (parameterization) {
    case 'eps':
      return predictStartFromNoise(schedule, xt, t, output);
    case 'v':
      return predictStartFromVelocity(schedule, xt, t, output);
    case 'x0':
      return tf.clone(output);
  }
}
