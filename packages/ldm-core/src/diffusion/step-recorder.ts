import * as tf from '@tensorflow/tfjs-core';
import type { StepEvent } from './run-steps.js';

/** Copies of what a sampler passed through, first step first. */
export interface StepRecorder {
  readonly onStep: (event: StepEvent) => void;
  /** x_t after each recorded step, each [B,H,W,C]. */
  readonly xInter: readonly tf.Tensor4D[];
  /** The predicted x_0 of each recorded step, each [B,H,W,C]. */
  readonly predX0: readonly tf.Tensor4D[];
  /** Free the copies. */
  dispose(): void;
}

/**
 * An observer that keeps the original's `intermediates`: the first step, and every step whose index (counting down to 0)
 * is a multiple of `logEveryT`. The start x_T is not among them.
 * @param logEveryT 1 keeps all; default 100 as the original's
 * @throws RangeError if it is no whole number of at least 1
 */
export function recordSteps(logEveryT = 100): StepRecorder {
  if (!Number.isInteger(logEveryT) || logEveryT < 1) {
    throw new RangeError(`recordSteps: logEveryT is ${logEveryT}, wanted an integer of at least 1`);
  }
  const xInter: tf.Tensor4D[] = [];
  const predX0: tf.Tensor4D[] = [];
  return {
    xInter,
    predX0,
    onStep(event) {
      if (event.index % logEveryT !== 0 && event.index !== event.total - 1) return;
      xInter.push(tf.clone(event.x));
      predX0.push(tf.clone(event.predX0));
    },
    dispose() {
      tf.dispose([...xInter.splice(0), ...predX0.splice(0)]);
    },
  };
}
