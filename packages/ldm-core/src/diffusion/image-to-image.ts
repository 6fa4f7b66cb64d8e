import * as tf from '@tensorflow/tfjs-core';
import { type Discretization, ddimTimesteps } from './ddim-schedule.js';
import type { NoiseSource } from './noise-source.js';
import type { Schedule } from './schedule.js';

/** Settings of {@link startFromImage}; `steps` and `discretize` as the sampler is given them. */
export interface ImageStartOptions {
  readonly schedule: Schedule;
  readonly steps: number;
  readonly discretize?: Discretization | undefined;
  /** Share of the steps to run, above 0 (the image as it is) to 1 (nearly nothing of it is left). */
  readonly strength: number;
  readonly noise: NoiseSource;
}

/**
 * Image to image (SDEdit, arXiv 2108.01073): noise the image's latents to the timestep where the last n steps start, with
 * n = strength times the number of steps, rounded, at least 1. For DDIM and PLMS; also for DPM-Solver++ and Heun unless
 * the table repeats a timestep. (The original's partial run takes one step less than asked, from one step higher.)
 * @param x0 clean latents [B,H,W,C]
 * @returns `xT` [B,H,W,C], the caller's, and `lastSteps`, both to be handed to the sampler
 * @throws RangeError for a strength out of range, or steps as `ddimTimesteps`
 */
export function startFromImage(
  x0: tf.Tensor4D,
  { schedule, steps, discretize, strength, noise }: ImageStartOptions,
): { readonly xT: tf.Tensor4D; readonly lastSteps: number } {
  if (!(strength > 0 && strength <= 1)) {
    throw new RangeError(`image to image: strength is ${strength}, wanted a number above 0 and at most 1`);
  }
  const timesteps = ddimTimesteps(schedule.timesteps, steps, discretize);
  const lastSteps = Math.max(1, Math.round(strength * timesteps.length));
  const t = timesteps[lastSteps - 1]!;
  const xT = tf.tidy(() =>
    tf.add<tf.Tensor4D>(
      tf.mul(x0, schedule.sqrtAlphasCumprod[t]!),
      tf.mul(noise.next(x0.shape), schedule.sqrtOneMinusAlphasCumprod[t]!),
    ),
  );
  return { xT, lastSteps };
}
