import * as tf from '@tensorflow/tfjs-core';
import { type Discretization, makeDdimSchedule, requireWalkable } from './ddim-schedule.js';
import { ddimStep } from './ddim-step.js';
import type { Denoise } from './denoise.js';
import { runSteps, type SampleRun } from './run-steps.js';

/** Settings of {@link samplePlms}. */
export interface PlmsOptions extends SampleRun {
  /** Steps asked for; one model call each, and one more in the first. */
  readonly steps: number;
  readonly discretize?: Discretization | undefined;
}

/**
 * Adams-Bashforth weights of the newest and older predictions, by how many of the older there are: PNDM (arXiv
 * 2202.09778), its linear multi-step method and the lower orders. Without any, the step is Heun's, with a second model call.
 */
const WEIGHTS = [[], [3 / 2, -1 / 2], [23 / 12, -16 / 12, 5 / 12], [55 / 24, -59 / 24, 37 / 24, -9 / 24]] as const;

/**
 * Pseudo linear multistep sampling (PNDM, arXiv 2202.09778) on DDIM's short schedule: the noise of up to four steps is
 * combined, then a deterministic DDIM step is taken. The first step asks the model a second time, at the next timestep.
 * @param xT where to start [B,H,W,C]; left to the caller
 * @returns latents at ᾱ_0 [B,H,W,C], the caller's
 * @throws RangeError for impossible settings
 */
export async function samplePlms(denoise: Denoise, xT: tf.Tensor4D, options: PlmsOptions): Promise<tf.Tensor4D> {
  const { schedule, steps, discretize } = options;
  const table = requireWalkable(makeDdimSchedule(schedule, { steps, discretize }));
  /** The model's own answers, newest first, at most three between steps. */
  const history: tf.Tensor4D[] = [];
  try {
    return await runSteps(denoise, xT, table.timesteps, options, async (x, index, predict) => {
      const eps = await predict(x, table.timesteps[index]!);
      history.unshift(tf.clone(eps));
      if (history.length === 1) {
        const trial = tf.tidy(() => ddimStep(table, index, x, eps).x);
        const ahead = await predict(trial, table.timesteps[Math.max(index - 1, 0)]!, 1).finally(() => trial.dispose());
        return tf.tidy(() => ddimStep(table, index, x, combine([eps, ahead], [1 / 2, 1 / 2])));
      }
      const next = tf.tidy(() => ddimStep(table, index, x, combine(history, WEIGHTS[history.length - 1]!)));
      tf.dispose(history.splice(3));
      return next;
    });
  } finally {
    tf.dispose(history);
  }
}

/** Σ weight_i tensor_i, within a tidy. */
function combine(tensors: readonly tf.Tensor4D[], weights: readonly number[]): tf.Tensor4D {
  return tf.addN(tensors.map((tensor, i) => tf.mul<tf.Tensor4D>(tensor, weights[i]!)));
}
