import type { Rng } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';

/** Most of the 3x3 mean in a blurred image, standard deviation of noise, and of contrast and brightness. */
const BLUR = 0.8;
const NOISE = 0.08;
const LIGHT = 0.08;

/**
 * Images as a generator may give them: somewhat blurred, noisy, lighter or darker, each by another amount. A network trained
 * on clean drawings alone would read such flaws as other classes.
 * @param x [-1,1] [B,H,W,3]
 */
export function augment(x: tf.Tensor4D, rng: Rng): tf.Tensor4D {
  const each = [x.shape[0], 1, 1, 1] as const;
  const blur = tf.mul(rng.split('blur').uniform<tf.Rank.R4>(each), BLUR);
  const blurred = tf.add(x, tf.mul(blur, tf.sub(tf.avgPool(x, 3, 1, 'same'), x)));
  const contrast = tf.add(1, tf.mul(rng.split('contrast').normal<tf.Rank.R4>(each), LIGHT));
  const brightness = tf.mul(rng.split('brightness').normal<tf.Rank.R4>(each), LIGHT);
  const level = tf.mul(rng.split('level').uniform<tf.Rank.R4>(each), NOISE);
  const noise = tf.mul(level, rng.split('noise').normal<tf.Rank.R4>(x.shape));
  return tf.clipByValue(tf.add(tf.add(tf.mul(blurred, contrast), brightness), noise), -1, 1);
}
