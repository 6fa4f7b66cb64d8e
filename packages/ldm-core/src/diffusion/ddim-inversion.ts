import * as tf from '@tensorflow/tfjs-core';
import type { Denoise } from './denoise.js';
import { type Advance, runSteps, type SampleRun } from './run-steps.js';
import { makeSolverNodes, type SolverOptions } from './solver-nodes.js';

/** Settings of {@link invertDdim}. */
export interface InversionOptions extends SolverOptions, Pick<SampleRun, 'schedule' | 'onStep' | 'signal'> {}

/**
 * DDIM run backwards (arXiv 2010.02502, section 4.3): from clean latents to the noise that deterministic DDIM with the
 * same steps turns back into nearly them. Each step holds eps at its less noisy end, so the way back is exact only in
 * the limit of many steps.
 * @param x0 latents, read as those at ᾱ_0, where sampling ends [B,H,W,C]; left to the caller
 * @returns x at the last timestep of the table, the `xT` of a run of `sampleDdim` [B,H,W,C], the caller's
 * @throws RangeError for impossible settings
 */
export async function invertDdim(denoise: Denoise, x0: tf.Tensor4D, options: InversionOptions): Promise<tf.Tensor4D> {
  const { schedule, onStep, signal: abort } = options;
  const { times, signal, noise } = makeSolverNodes(schedule, options);
  const last = times.length - 1;
  // runSteps counts down; here index i stands for the step from node last-1-i to the one above it.
  const starts = times.slice(0, last).reverse();
  return runSteps(denoise, x0, starts, { schedule, onStep, signal: abort }, async (x, index, predict) => {
    const node = last - 1 - index;
    const eps = await predict(x, times[node]!);
    return tf.tidy((): Advance => {
      const predX0 = tf.div<tf.Tensor4D>(tf.sub(x, tf.mul(eps, noise[node]!)), signal[node]!);
      return {
        x: tf.add<tf.Tensor4D>(tf.mul(predX0, signal[node + 1]!), tf.mul(eps, noise[node + 1]!)),
        predX0,
      };
    });
  });
}
