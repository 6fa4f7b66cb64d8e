import * as tf from '@tensorflow/tfjs-core';
import { type Denoise, evaluate } from './denoise.js';
import { blendKnown, type Inpaint } from './inpaint.js';
import type { NoiseSource } from './noise-source.js';
import type { Schedule } from './schedule.js';

/** What an observer sees after each step. The tensors live until it returns (or its promise settles): clone to keep. */
export interface StepEvent {
  /** Steps still to come: counts down to 0. */
  readonly index: number;
  /** Steps of this run. */
  readonly total: number;
  /** The timestep the step started from. */
  readonly t: number;
  /** Latents after the step [B,H,W,C]. */
  readonly x: tf.Tensor4D;
  /** The clean latents as predicted in this step [B,H,W,C]. */
  readonly predX0: tf.Tensor4D;
}

/** What every sampler takes besides its own settings. */
export interface SampleRun {
  readonly schedule: Schedule;
  /** Needed where the sampler draws: `ddpm`, `ddim` with eta > 0, and inpainting. */
  readonly noise?: NoiseSource | undefined;
  /** Called after each step; a promise is awaited. */
  readonly onStep?: ((event: StepEvent) => void | Promise<void>) | undefined;
  /** Ends the run before its next model call with the signal's reason; nothing is left behind. */
  readonly signal?: AbortSignal | undefined;
  /** Keep a known region. */
  readonly inpaint?: Inpaint | undefined;
  /**
   * Run only the last n steps, the least noisy ones; `xT` is then a sample at the timestep where they start (see
   * `startFromImage`). Default: all steps.
   */
  readonly lastSteps?: number | undefined;
}

/** The outcome of one step, both [B,H,W,C]. */
export type Advance = {
  readonly x: tf.Tensor4D;
  readonly predX0: tf.Tensor4D;
};

/** The model at (x, t), for step code; `call` as in `DenoiseStep`. @returns eps [B,H,W,C], freed when the step ends */
export type PredictEps = (x: tf.Tensor4D, t: number, call?: number) => Promise<tf.Tensor4D>;

/**
 * What all samplers share: walk the timesteps from the last entry down, keep one x alive, blend the known region in,
 * wait until the step is computed, report, stop when told to.
 * @param xT [B,H,W,C], left to the caller
 * @param timesteps of the whole schedule, ascending
 * @param advance one step from entry `index`; it owns neither its x nor its predictions
 * @returns x after the step of entry 0 [B,H,W,C], the caller's
 * @throws RangeError if `lastSteps` is not an integer of 1..timesteps.length
 */
export async function runSteps(
  denoise: Denoise,
  xT: tf.Tensor4D,
  timesteps: Int32Array,
  run: SampleRun,
  advance: (x: tf.Tensor4D, index: number, predict: PredictEps) => Promise<Advance>,
): Promise<tf.Tensor4D> {
  const total = run.lastSteps ?? timesteps.length;
  if (!Number.isInteger(total) || total < 1 || total > timesteps.length) {
    throw new RangeError(`sampler: lastSteps is ${total}, wanted an integer from 1 to ${timesteps.length}`);
  }
  let x = tf.clone(xT);
  const replaceX = (next: tf.Tensor4D): void => {
    x.dispose();
    x = next;
  };
  try {
    for (let index = total - 1; index >= 0; index--) {
      const t = timesteps[index]!;
      if (run.inpaint) replaceX(blendKnown(run.schedule, x, t, run.inpaint, run.noise));
      const owned: tf.Tensor[] = [];
      try {
        const next = await advance(x, index, async (at, time, call = 0) => {
          await checkAborted(run.signal);
          const eps = await evaluate(() => denoise(at, time, { index, total, call }), at);
          owned.push(eps);
          return eps;
        });
        owned.push(next.predX0);
        replaceX(next.x);
        // Some backends only queue the work: without this all steps would be reported, and none could be stopped, before
        // the first has run. A failure also belongs to its step.
        await x.data();
        await run.onStep?.({ index, total, t, x, predX0: next.predX0 });
      } finally {
        tf.dispose(owned);
      }
    }
    return x;
  } catch (error) {
    x.dispose();
    throw error;
  }
}

/** Throws the signal's reason if it is aborted, after giving timers and input a turn: on a busy thread they never run else. */
async function checkAborted(signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return;
  await new Promise((resolve) => setTimeout(resolve, 0));
  signal.throwIfAborted();
}
