import * as tf from '@tensorflow/tfjs-core';
import { combine, extract } from './extract.js';
import type { Parameterization } from './parameterization.js';
import { predictStart } from './predictions.js';
import type { Schedule } from './schedule.js';

/** A Gaussian over latents with one variance a sample. */
export interface Gaussian {
  /** [B,H,W,C] */
  readonly mean: tf.Tensor4D;
  /** [B,1,1,1] */
  readonly variance: tf.Tensor4D;
  /** Natural logarithm of the variance, clipped from below where the variance is 0; [B,1,1,1]. */
  readonly logVariance: tf.Tensor4D;
}

/** {@link Gaussian} of p(x_{t-1} | x_t), and the x_0 that it was made from [B,H,W,C]. */
export interface PMeanVariance extends Gaussian {
  readonly predX0: tf.Tensor4D;
}

/** How a network's output is read. */
export interface OutputOptions {
  /** Default: the schedule's. */
  readonly parameterization?: Parameterization | undefined;
  /** Clip the predicted x_0 to [-1, 1]; for models of images, not of latents. Default false. */
  readonly clipDenoised?: boolean | undefined;
}

/**
 * A sample of the forward process: x_t = √ᾱ_t x_0 + √(1-ᾱ_t) noise, DDPM (arXiv 2006.11239) equation 4. Differentiable.
 * @param x0 [B,H,W,C] @param t int32 [B] @param noise standard normal [B,H,W,C] @returns x_t [B,H,W,C]
 */
export function qSample(schedule: Schedule, x0: tf.Tensor4D, t: tf.Tensor1D, noise: tf.Tensor4D): tf.Tensor4D {
  return combine(tf.add, t, [schedule.sqrtAlphasCumprod, x0], [schedule.sqrtOneMinusAlphasCumprod, noise]);
}

/**
 * The posterior q(x_{t-1} | x_t, x_0), DDPM equations 6 and 7.
 * @param x0 [B,H,W,C] @param xt [B,H,W,C] @param t int32 [B]
 * @returns mean [B,H,W,C]; variance and its logarithm (clipped at that of 1e-20) [B,1,1,1]
 */
export function qPosterior(schedule: Schedule, x0: tf.Tensor4D, xt: tf.Tensor4D, t: tf.Tensor1D): Gaussian {
  return {
    mean: combine(tf.add, t, [schedule.posteriorMeanCoef1, x0], [schedule.posteriorMeanCoef2, xt]),
    variance: extract(schedule.posteriorVariance, t),
    logVariance: extract(schedule.posteriorLogVarianceClipped, t),
  };
}

/**
 * p(x_{t-1} | x_t): the posterior with the predicted x_0 in the place of the true one.
 * @param output what the network said at (x, t) [B,H,W,C] @param x x_t [B,H,W,C] @param t int32 [B]
 */
export function pMeanVariance(
  schedule: Schedule,
  output: tf.Tensor4D,
  x: tf.Tensor4D,
  t: tf.Tensor1D,
  options: OutputOptions = {},
): PMeanVariance {
  const { parameterization = schedule.parameterization, clipDenoised = false } = options;
  const predX0 = tf.tidy(() => {
    const start = predictStart(schedule, parameterization, x, t, output);
    return clipDenoised ? tf.clipByValue(start, -1, 1) : start;
  });
  return { ...qPosterior(schedule, predX0, x, t), predX0 };
}

/**
 * One ancestral step, DDPM algorithm 2: x_{t-1} = mean + [t > 0] exp(logVariance/2) noise.
 * @param output what the network said at (x, t) [B,H,W,C] @param x x_t [B,H,W,C] @param t int32 [B]
 * @param noise standard normal [B,H,W,C]; has no effect on samples whose t is 0
 * @returns x_{t-1} and the x_0 predicted on the way, both [B,H,W,C]
 */
export function pSample(
  schedule: Schedule,
  output: tf.Tensor4D,
  x: tf.Tensor4D,
  t: tf.Tensor1D,
  noise: tf.Tensor4D,
  options: OutputOptions = {},
): { readonly xPrev: tf.Tensor4D; readonly predX0: tf.Tensor4D } {
  return tf.tidy(() => {
    const { mean, logVariance, predX0 } = pMeanVariance(schedule, output, x, t, options);
    const moving = tf.cast(tf.reshape(tf.greater(t, 0), [-1, 1, 1, 1]), 'float32');
    const std = tf.mul(moving, tf.exp(tf.mul(logVariance, 0.5)));
    return { xPrev: tf.add(mean, tf.mul<tf.Tensor4D>(std, noise)), predX0 };
  });
}
