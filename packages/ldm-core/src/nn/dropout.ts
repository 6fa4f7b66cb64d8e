import * as tf from '@tensorflow/tfjs-core';
import type { Rng } from './random.js';

export type { Rng } from './random.js';

/**
 * Set each value to 0 with probability `rate` and divide the others by 1 - rate (Srivastava et al. 2014). Without an `rng`
 * it does nothing: that is evaluation.
 * @param x [...] @param rate in 0 .. 1 @returns like x @throws Error for another rate
 */
export function dropout<R extends tf.Rank>(x: tf.Tensor<R>, rate: number, rng?: Rng): tf.Tensor<R> {
  if (!(rate >= 0 && rate <= 1)) throw new Error(`dropout: rate is ${rate}, must be in 0 .. 1`);
  if (rng === undefined || rate === 0) return x;
  return tf.tidy(() => {
    const kept = tf.cast(tf.greaterEqual(rng.uniform(x.shape), rate), 'float32');
    return tf.mul(x, tf.mul(kept, rate < 1 ? 1 / (1 - rate) : 0));
  });
}
