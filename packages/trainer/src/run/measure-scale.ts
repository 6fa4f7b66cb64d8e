import type { LatentDiffusionCompose } from '@codiff/codiff';
import { type LatentDiffusion, type Params, Rng } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';

/** The `scale_factor` that a first batch gives a model with `scale_by_std`: 1/std of its latents. The caller owns it. */
export function measureScale(
  model: LatentDiffusion | LatentDiffusionCompose,
  p: Params,
  images: tf.Tensor4D,
  seed: number,
): Params {
  const shape = tf.tidy(() => model.firstStage.encode(p, images).mean.shape);
  const noise = Rng.of(seed).split('scale').normal<tf.Rank.R4>(shape);
  const measured = model.measureScale(p, images, noise);
  noise.dispose();
  return measured;
}
