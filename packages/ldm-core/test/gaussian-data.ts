/** Data whose diffusion is known in closed form, to hold samplers against. */
import * as tf from '@tensorflow/tfjs-core';
import type { Denoise } from '../src/diffusion/denoise.js';
import type { Schedule } from '../src/diffusion/schedule.js';

/** Every latent element is N(mean, std²), independently. */
export interface GaussianData {
  readonly mean: number;
  readonly std: number;
}

/** Standard deviation of x_t. */
export function stdAt(schedule: Schedule, { std }: GaussianData, t: number): number {
  return Math.sqrt(schedule.alphasCumprod[t]! * std ** 2 + 1 - schedule.alphasCumprod[t]!);
}

/** The best prediction there is: eps = √(1-ᾱ) (x - √ᾱ mean) / Var(x_t). */
export function exactDenoise(schedule: Schedule, data: GaussianData): Denoise {
  return (x, t) =>
    tf.mul(
      tf.sub(x, schedule.sqrtAlphasCumprod[t]! * data.mean),
      schedule.sqrtOneMinusAlphasCumprod[t]! / stdAt(schedule, data, t) ** 2,
    );
}

/** Along the probability-flow ODE (x_t - √ᾱ mean)/std(x_t) stays the same; this is x_t where that is z. */
export function flowAt(schedule: Schedule, data: GaussianData, t: number, z: number): number {
  return schedule.sqrtAlphasCumprod[t]! * data.mean + stdAt(schedule, data, t) * z;
}
