import * as tf from '@tensorflow/tfjs-core';

/**
 * The schedule's value of each sample's own step, ready to broadcast over pixels and channels.
 *
 * The float64 array becomes a float32 constant and is gathered by `t`, so that a traced step holds the table and takes t
 * as an input. Each value is rounded once: a relative error of at most 6e-8, as in the original's float32 buffers.
 * @param values one number a step [T]
 * @param t steps, int32 [B], each in 0..T-1 (not checked: t may be symbolic)
 * @returns float32 [B,1,1,1]
 */
export function extract(values: Float64Array | Float32Array, t: tf.Tensor1D): tf.Tensor4D {
  return tf.tidy(() => tf.reshape(tf.gather(tf.tensor1d(Float32Array.from(values)), t), [-1, 1, 1, 1]));
}

/** Something a schedule weighs: one number a step [T], and what it multiplies [B,H,W,C]. */
type Weighed = readonly [values: Float64Array, x: tf.Tensor4D];

/**
 * a_t x + b_t y, or with `tf.sub` a_t x - b_t y, each sample at its own step. Differentiable by x and y.
 * @param t int32 [B] @returns [B,H,W,C]
 */
export function combine(
  op: typeof tf.add | typeof tf.sub,
  t: tf.Tensor1D,
  [a, x]: Weighed,
  [b, y]: Weighed,
): tf.Tensor4D {
  return tf.tidy(() => op<tf.Tensor4D>(tf.mul(extract(a, t), x), tf.mul(extract(b, t), y)));
}
