import * as tf from '@tensorflow/tfjs-core';
import type { Denoise } from './denoise.js';
import { type Advance, runSteps, type SampleRun } from './run-steps.js';
import { makeSolverNodes, type SolverOptions } from './solver-nodes.js';

/** Settings of {@link sampleHeun}. */
export interface HeunOptions extends SolverOptions, SampleRun {}

/**
 * Heun's method as in EDM (arXiv 2206.00364, algorithm 1), deterministic, second order, two model calls a step.
 *
 * EDM's variables on our schedule: y = x/√ᾱ, σ = √((1-ᾱ)/ᾱ), and then dy/dσ = eps. The last node has σ > 0, so the last
 * step is corrected too. The predicted x_0 is that of the first call of a step.
 * @param xT where to start [B,H,W,C]; left to the caller
 * @returns latents at ᾱ_0 [B,H,W,C], the caller's
 * @throws RangeError for impossible settings
 */
export async function sampleHeun(denoise: Denoise, xT: tf.Tensor4D, options: HeunOptions): Promise<tf.Tensor4D> {
  const { timesteps, times, signal, noise } = makeSolverNodes(options.schedule, options);
  const sigmas = noise.map((value, node) => value / signal[node]!);
  return runSteps(denoise, xT, timesteps, options, async (x, index, predict): Promise<Advance> => {
    const node = index + 1;
    const length = sigmas[index]! - sigmas[node]!;
    /** x at the next node, along a slope [B,H,W,C]; within a tidy. */
    const along = (slope: tf.Tensor): tf.Tensor4D =>
      tf.mul<tf.Tensor4D>(tf.add(tf.mul(x, 1 / signal[node]!), tf.mul(slope, length)), signal[index]!);
    const eps = await predict(x, times[node]!);
    const trial = tf.tidy(() => along(eps));
    const ahead = await predict(trial, times[index]!, 1).finally(() => trial.dispose());
    return tf.tidy(() => ({
      x: along(tf.mul(tf.add(eps, ahead), 0.5)),
      predX0: tf.div<tf.Tensor4D>(tf.sub(x, tf.mul(eps, noise[node]!)), signal[node]!),
    }));
  });
}
