import * as tf from '@tensorflow/tfjs-core';
import { qSample } from './ddpm.js';
import type { Schedule } from './schedule.js';

/**
 * At which timestep a condition is noised, by the timestep of x: for the first `count` values n steps spread evenly over
 * 0..T-1 (rounded to even at halves), for all others T-1.
 * @param T training steps @param count n @returns [T]
 */
export function conditionTimesteps(T: number, count: number): Int32Array {
  const steps = new Int32Array(T).fill(T - 1);
  for (let i = 0; i < count; i++) steps[i] = roundHalfEven((i * (T - 1)) / (count - 1));
  return steps;
}

/**
 * A condition at its own timesteps of the forward process.
 * @param steps from {@link conditionTimesteps} @param condition [B,...] @param t timesteps of x, int32 [B]
 * @param noise standard normal, like the condition
 */
export function noiseCondition<R extends tf.Rank>(
  schedule: Schedule,
  steps: Int32Array,
  condition: tf.Tensor<R>,
  t: tf.Tensor1D,
  noise: tf.Tensor<R>,
): tf.Tensor<R> {
  return tf.tidy(() => {
    const own = tf.gather(tf.tensor1d(steps, 'int32'), t);
    const flat = (x: tf.Tensor<R>) => tf.reshape<tf.Rank.R4>(x, [x.shape[0]!, -1, 1, 1]);
    return tf.reshape<R>(qSample(schedule, flat(condition), own, flat(noise)), condition.shape);
  });
}

function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const half = x - floor;
  if (half !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}
