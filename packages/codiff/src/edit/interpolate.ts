import * as tf from '@tensorflow/tfjs-core';

/** How far an edit goes, for each image that the original's `--alpha_list` asks for: 0 reconstructs, 1 is the target. */
export const IMAGIC_ALPHAS: readonly number[] = [-1, -0.5, 0, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.4, 1.5];

/** The same of a collaborative edit: 0 to 2 by eighths, and 2.5. */
export const COLLABORATIVE_ALPHAS: readonly number[] = [...Array.from({ length: 17 }, (_, i) => i / 8), 2.5];

/**
 * The condition of an edit (Kawar et al., CVPR 2023, equation 3, whose η is our alpha): alpha target + (1 - alpha) optimized.
 * @param target encoded condition [B,L,D] @param optimized result of stage A [B,L,D]
 */
export function interpolate(target: tf.Tensor3D, optimized: tf.Tensor3D, alpha: number): tf.Tensor3D {
  return tf.tidy(() => tf.add(tf.mul(target, alpha), tf.mul(optimized, 1 - alpha)));
}
