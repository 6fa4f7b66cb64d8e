import * as tf from '@tensorflow/tfjs-core';

/** How sines and cosines are laid out: the UNet's form, or the older one of the VAE's code. */
export type TimestepEmbeddingForm = 'unet' | 'vae';

/** Options of {@link timestepEmbedding}. */
export interface TimestepEmbeddingOptions {
  /** `unet`: cosines first, exponent i/half. `vae`: sines first, exponent i/(half-1). Default `unet`. */
  readonly form?: TimestepEmbeddingForm;
  /** Longest wavelength over 2π. Default 10000; the `vae` form knows no other. */
  readonly maxPeriod?: number;
}

/**
 * Sinusoidal embedding of timesteps (Vaswani et al. 2017, section 3.5).
 *
 * `unet`: [cos(t f_0).., sin(t f_0)..] with f_i = maxPeriod^(-i/half); `vae`: [sin.., cos..] with f_i =
 * maxPeriod^(-i/(half-1)). half = floor(D/2); an odd D ends in a column of zeros.
 *
 * @param t timesteps [B], whole or fractional
 * @param dim width D
 * @returns [B,D]
 * @throws Error for a width below 2 (`vae`: below 4)
 */
export function timestepEmbedding(
  t: tf.Tensor1D,
  dim: number,
  { form = 'unet', maxPeriod = 10000 }: TimestepEmbeddingOptions = {},
): tf.Tensor2D {
  if (!Number.isInteger(dim) || dim < 2) {
    throw new Error(`timestepEmbedding: width is ${dim}, wanted a whole number of at least 2`);
  }
  const half = Math.floor(dim / 2);
  const steps = form === 'unet' ? half : half - 1;
  if (steps === 0)
    throw new Error(`timestepEmbedding: the 'vae' form divides by half - 1, so width ${dim} has none; give 4 or more`);
  // On the host in float64: the rounding to float32 is then the only error before t multiplies it.
  const frequencies = Float32Array.from({ length: half }, (_, i) => Math.exp((-Math.log(maxPeriod) * i) / steps));
  return tf.tidy(() => {
    const angles = tf.mul(tf.expandDims(tf.cast(t, 'float32'), 1), tf.tensor2d(frequencies, [1, half])); // [B,half]
    const [cos, sin] = [tf.cos(angles), tf.sin(angles)];
    const parts = form === 'unet' ? [cos, sin] : [sin, cos];
    if (dim % 2 === 1) parts.push(tf.zeros([t.shape[0], 1]));
    return tf.concat(parts, 1) as tf.Tensor2D;
  });
}
