import {
  disposeReplaced,
  type OptimState,
  type Params,
  type Rng,
  type Shape4D,
  tensorsOf,
  tidyTree,
  valueAndGrad,
} from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';

/** What tuning changes: tensors by name, and what the optimizer remembers of them. */
export interface TuneState {
  readonly trained: Params;
  readonly optim: OptimState;
}

/** The random part of one iteration. */
export interface NoiseDraw {
  /** Timesteps, int32 [B]. */
  readonly t: tf.Tensor1D;
  /** Standard normal [B,H,W,C]. */
  readonly noise: tf.Tensor4D;
  /** Seed of dropout, int32 [2]: a tensor, so that a compiled step takes another at each call. Absent: nothing is dropped. */
  readonly seed?: tf.Tensor1D | undefined;
}

/** The outcome of one iteration. */
export interface TuneResult {
  readonly state: TuneState;
  /** The loss before the update. */
  readonly loss: tf.Scalar;
}

/** An optimizer's step with its settings closed over, e.g. `(p, g, s) => adamStep(p, g, s, plan)`. */
export type Update = (params: Params, grads: Params, optim: OptimState) => { params: Params; state: OptimState };

/**
 * One iteration: the gradient of a loss, and the optimizer's step. Pure and traceable.
 * @returns a new state; the old one stays the caller's
 */
export function tuneStep(loss: (trained: Params) => tf.Scalar, state: TuneState, update: Update): TuneResult {
  return tidyTree(() => {
    const { value, grads } = valueAndGrad(loss, state.trained);
    const { params, state: optim } = update(state.trained, grads, state.optim);
    return { state: { trained: params, optim }, loss: value };
  });
}

/** What an observer of {@link runTuning} sees. */
export interface TuneEvent {
  /** The iteration, from 0. */
  readonly index: number;
  readonly total: number;
  readonly loss: number;
  /** The state after it, to be read until the observer returns: the next iteration may overwrite it. */
  readonly state: TuneState;
}

/** Settings of {@link runTuning}. */
export interface TuneRun {
  /** Iterations to end at. */
  readonly iterations: number;
  /** The iteration to begin with, where a run is taken up again. Default 0. */
  readonly from?: number | undefined;
  /** The random part of an iteration; the loop disposes it. */
  readonly draw: (index: number) => NoiseDraw;
  /** Called after each iteration; a promise is awaited. */
  readonly onStep?: ((event: TuneEvent) => void | Promise<void>) | undefined;
  /** Ends the run before its next iteration with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Called when the signal ends the run, with the state and the iterations that are done: the place to save it. The state is
   * freed afterwards.
   */
  readonly onStop?: ((state: TuneState, done: number) => void | Promise<void>) | undefined;
}

/**
 * Iterate a step, which may be compiled with the state as the argument it consumes.
 * @param initial consumed
 * @returns the last state, the caller's
 * @throws Error at the first loss that is not finite; after any failure the state is freed
 */
export async function runTuning(
  step: (state: TuneState, draw: NoiseDraw) => TuneResult,
  initial: TuneState,
  { iterations, from = 0, draw, onStep, signal, onStop }: TuneRun,
): Promise<TuneState> {
  let state = initial;
  try {
    for (let index = from; index < iterations; index++) {
      if (signal) {
        // Timers and input get their turn: on a busy thread they would never run else.
        await new Promise((resolve) => setTimeout(resolve, 0));
        if (signal.aborted) await onStop?.(state, index);
        signal.throwIfAborted();
      }
      const drawn = draw(index);
      let result: TuneResult;
      try {
        result = tidyTree(() => step(state, drawn));
      } finally {
        tf.dispose(tensorsOf(drawn));
      }
      disposeReplaced(state, result.state);
      state = result.state;
      const [loss = Number.NaN] = await result.loss.data();
      result.loss.dispose();
      if (!Number.isFinite(loss)) {
        throw new Error(`tuning: the loss of iteration ${index} is ${loss}; use a smaller learning rate`);
      }
      await onStep?.({ index, total: iterations, loss, state });
    }
    return state;
  } catch (error) {
    tf.dispose(tensorsOf(state));
    throw error;
  }
}

/**
 * The draws of Imagic's stages: t uniform in 0..timesteps-1, noise standard normal. Iteration i always gets the same, so a
 * run can be taken up anywhere.
 * @param shape of the latents [B,H,W,C]
 */
export function noiseDraws(rng: Rng, shape: Shape4D, timesteps: number): (index: number) => NoiseDraw {
  return (index) => {
    const own = rng.split(index);
    return {
      t: own.split('t').integers<tf.Rank.R1>([shape[0]], 0, timesteps),
      noise: own.split('noise').normal<tf.Rank.R4>(shape),
      seed: own.split('dropout').toTensor(),
    };
  };
}
