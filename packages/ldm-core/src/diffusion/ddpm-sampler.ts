import * as tf from '@tensorflow/tfjs-core';
import type { Denoise } from './denoise.js';
import { requireNoise } from './noise-source.js';
import { type Advance, runSteps, type SampleRun } from './run-steps.js';

/** Settings of {@link sampleDdpm}. */
export interface DdpmOptions extends SampleRun {
  /** Clip the predicted x_0 to [-1, 1]; for models of images, not of latents. Default false. */
  readonly clipDenoised?: boolean | undefined;
}

/**
 * Ancestral sampling, DDPM (arXiv 2006.11239) algorithm 2: one step for each of the T training steps, T-1 down to 0, and
 * one normal draw each but for the last. The sums are those of `pSample`.
 * @param xT where to start, standard normal for a whole run [B,H,W,C]; left to the caller
 * @returns clean latents [B,H,W,C], the caller's
 * @throws Error without a noise source
 */
export async function sampleDdpm(denoise: Denoise, xT: tf.Tensor4D, options: DdpmOptions): Promise<tf.Tensor4D> {
  const { schedule, clipDenoised = false } = options;
  const source = requireNoise(options.noise, 'ancestral sampling');
  const timesteps = Int32Array.from({ length: schedule.timesteps }, (_, t) => t);
  return runSteps(denoise, xT, timesteps, options, async (x, t, predict): Promise<Advance> => {
    const eps = await predict(x, t);
    return tf.tidy(() => {
      const start = tf.sub<tf.Tensor4D>(
        tf.mul(x, schedule.sqrtRecipAlphasCumprod[t]!),
        tf.mul(eps, schedule.sqrtRecipm1AlphasCumprod[t]!),
      );
      const predX0 = clipDenoised ? tf.clipByValue(start, -1, 1) : start;
      const mean = tf.add<tf.Tensor4D>(
        tf.mul(predX0, schedule.posteriorMeanCoef1[t]!),
        tf.mul(x, schedule.posteriorMeanCoef2[t]!),
      );
      if (t === 0) return { x: mean, predX0 };
      const std = Math.exp(schedule.posteriorLogVarianceClipped[t]! / 2);
      return { x: tf.add<tf.Tensor4D>(mean, tf.mul(source.next(x.shape), std)), predX0 };
    });
  });
}
