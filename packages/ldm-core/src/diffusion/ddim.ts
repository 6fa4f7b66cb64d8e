import * as tf from '@tensorflow/tfjs-core';
import { type DdimScheduleOptions, makeDdimSchedule, requireWalkable } from './ddim-schedule.js';
import { ddimStep } from './ddim-step.js';
import type { Denoise } from './denoise.js';
import { type NoiseSource, requireNoise, type Shape4D } from './noise-source.js';
import { runSteps, type SampleRun } from './run-steps.js';

/** Settings of {@link sampleDdim}. */
export interface DdimOptions extends DdimScheduleOptions, SampleRun {
  /** Factor of the noise that a step adds; default 1. */
  readonly temperature?: number | undefined;
  /** Probability with which an element of that noise is dropped (the others grow by 1/(1-p)); default 0. */
  readonly noiseDropout?: number | undefined;
}

/**
 * Denoising diffusion implicit models (arXiv 2010.02502): one model call a step, deterministic where eta is 0.
 *
 * Draws, in this order and only these: with `inpaint` one normal a step, then with eta > 0 one normal a step (even where
 * σ is 0), then with `noiseDropout` one uniform.
 * @param xT where to start, standard normal for a whole run [B,H,W,C]; left to the caller
 * @returns latents at ᾱ_0 [B,H,W,C], the caller's
 * @throws RangeError for impossible settings; Error if noise is needed and there is no source
 */
export async function sampleDdim(denoise: Denoise, xT: tf.Tensor4D, options: DdimOptions): Promise<tf.Tensor4D> {
  const { eta = 0, temperature = 1, noiseDropout = 0 } = options;
  if (!(temperature >= 0)) throw new RangeError(`ddim: temperature is ${temperature}, wanted at least 0`);
  if (!(noiseDropout >= 0 && noiseDropout < 1)) {
    throw new RangeError(`ddim: noiseDropout is ${noiseDropout}, wanted a probability from 0 to below 1`);
  }
  const table = requireWalkable(makeDdimSchedule(options.schedule, options));
  const source = eta > 0 ? requireNoise(options.noise, `ddim with eta ${eta}`) : undefined;
  return runSteps(denoise, xT, table.timesteps, options, async (x, index, predict) => {
    const eps = await predict(x, table.timesteps[index]!);
    return tf.tidy(() =>
      ddimStep(table, index, x, eps, source && drawNoise(source, x.shape, temperature, noiseDropout)),
    );
  });
}

/** Within a tidy. @returns temperature times noise, some of it dropped; [B,H,W,C] */
function drawNoise(source: NoiseSource, shape: Shape4D, temperature: number, dropout: number): tf.Tensor4D {
  const noise = source.next(shape);
  const scaled = temperature === 1 ? noise : tf.mul<tf.Tensor4D>(noise, temperature);
  if (dropout === 0) return scaled;
  if (!source.uniform) throw new Error('ddim: noiseDropout needs uniform draws, and this noise source has none');
  const kept = tf.cast(tf.greaterEqual(source.uniform(shape), dropout), 'float32');
  return tf.mul<tf.Tensor4D>(scaled, tf.mul(kept, 1 / (1 - dropout)));
}
