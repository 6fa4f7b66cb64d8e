import { type SamplerConfig, sampleWith } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import type { BatchRecord } from './batch-record.js';
import { imageNoise } from './image-noise.js';
import type { BatchRange } from './request.js';
import type { SamplingModel } from './sampling-model.js';

/** How a batch is sampled. */
export interface BatchSampling {
  readonly range: BatchRange;
  readonly seed: number;
  readonly sampler: SamplerConfig;
  /** Size of the latents of one image [h,w,c]. */
  readonly latent: readonly [number, number, number];
  readonly record: BatchRecord;
  /** Where to start, for every image [1,h,w,c]; else drawn from the seed. The caller's. */
  readonly from?: tf.Tensor4D | undefined;
  readonly signal: AbortSignal;
  readonly onStep: () => void;
}

/**
 * Sample and decode a batch.
 * @returns latents [B,h,w,c] and images [B,H,W,3], the caller's
 * @throws the signal's reason if it is aborted; nothing is left behind
 */
export async function sampleBatch(
  model: SamplingModel,
  { range, seed, sampler, latent, record, from, signal, onStep }: BatchSampling,
): Promise<{ readonly z: tf.Tensor4D; readonly images: tf.Tensor4D }> {
  const noise = imageNoise(seed, range.first, [range.size, ...latent]);
  const denoiser = model.denoiser(range.size, record.onMix);
  const start = from ? tf.tile(from, [range.size, 1, 1, 1]) : noise.start();
  try {
    const z = await sampleWith(sampler, denoiser.denoise, start, {
      schedule: model.schedule,
      noise: noise.source,
      signal,
      onStep: (event) => {
        record.onStep(event);
        onStep();
      },
    });
    try {
      signal.throwIfAborted();
      const images = model.decode(z);
      // Errors of the decoder are raised where it is waited for.
      await images.data();
      return { z, images };
    } catch (error) {
      z.dispose();
      throw error;
    }
  } finally {
    tf.dispose(start);
    denoiser.dispose();
  }
}
