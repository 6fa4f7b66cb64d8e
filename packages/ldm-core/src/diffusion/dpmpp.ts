import * as tf from '@tensorflow/tfjs-core';
import type { Denoise } from './denoise.js';
import { type Advance, runSteps, type SampleRun } from './run-steps.js';
import { makeSolverNodes, type SolverOptions } from './solver-nodes.js';

/** Settings of {@link sampleDpmpp}. */
export interface DpmppOptions extends SolverOptions, SampleRun {
  /** Take the last step at first order, which is steadier in short runs. Default: below 15 steps. */
  readonly lowerOrderFinal?: boolean | undefined;
}

/** Runs shorter than this end at first order. */
const LOWER_ORDER_BELOW = 15;

/**
 * DPM-Solver++(2M) (arXiv 2211.01095, algorithm 2): second order, one model call a step, deterministic.
 *
 * With α = √ᾱ, σ = √(1-ᾱ), λ = log(α/σ), h = λ_next - λ and r = h_before/h:
 * x ← (σ_next/σ) x - α_next (e^{-h} - 1) D, D = (1 + 1/(2r)) x_0 - 1/(2r) x_0 of the step before; D = x_0 in the first.
 * @param xT where to start [B,H,W,C]; left to the caller
 * @returns latents at ᾱ_0 [B,H,W,C], the caller's
 * @throws RangeError for impossible settings
 */
export async function sampleDpmpp(denoise: Denoise, xT: tf.Tensor4D, options: DpmppOptions): Promise<tf.Tensor4D> {
  const { timesteps, signal, noise } = makeSolverNodes(options.schedule, options);
  const total = options.lastSteps ?? timesteps.length;
  const { lowerOrderFinal = total < LOWER_ORDER_BELOW } = options;
  const lambda = signal.map((alpha, node) => Math.log(alpha / noise[node]!));
  let before: tf.Tensor4D | undefined;
  try {
    return await runSteps(denoise, xT, timesteps, options, async (x, index, predict): Promise<Advance> => {
      const node = index + 1;
      const eps = await predict(x, timesteps[index]!);
      const h = lambda[index]! - lambda[node]!;
      const firstOrder = before === undefined || (lowerOrderFinal && index === 0);
      const slope = firstOrder ? 0 : h / (2 * (lambda[node]! - lambda[node + 1]!));
      const step = tf.tidy((): Advance => {
        const predX0 = tf.div<tf.Tensor4D>(tf.sub(x, tf.mul(eps, noise[node]!)), signal[node]!);
        const data = slope === 0 ? predX0 : tf.sub(tf.mul(predX0, 1 + slope), tf.mul(before!, slope));
        const drift = tf.mul(data, -signal[index]! * Math.expm1(-h));
        return { x: tf.add<tf.Tensor4D>(tf.mul(x, noise[index]! / noise[node]!), drift), predX0 };
      });
      before?.dispose();
      before = tf.clone(step.predX0);
      return step;
    });
  } finally {
    before?.dispose();
  }
}
