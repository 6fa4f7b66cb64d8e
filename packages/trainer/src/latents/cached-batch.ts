import type { LatentPosterior } from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';
import type { TensorBatch } from '../steps/train-state.js';

/** Batch keys of the posterior of the images' latents, [B,h,w,C] each. */
export const CACHED = { mean: 'latent_mean', logvar: 'latent_logvar' } as const;

/** Batch key of what a frozen encoder makes of a condition. */
export const embeddingKey = (condition: string): string => `embedding_${condition}`;

/** The posterior that a batch brings along, to be sampled anew each time; undefined if it brings images. */
export function cachedPosterior(batch: TensorBatch): LatentPosterior | undefined {
  const [mean, logvar] = [batch[CACHED.mean], batch[CACHED.logvar]];
  return mean && logvar ? { mean: mean as tf.Tensor4D, logvar: logvar as tf.Tensor4D } : undefined;
}
