import type { LatentDiffusionCompose } from '@codiff/codiff';
import { type LatentDiffusion, Params, Rng, samplePosterior } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { type BatchSource, toTensors } from '../loop/batch-source.js';

/** Batches that `scale_factor: auto` goes by; `scale_by_std` goes by the first alone, as in the original. */
const AUTO_BATCHES = 16;

/** A factor that was measured. */
export interface MeasuredScale {
  /** The one tensor to put in the weights, which the caller owns. */
  readonly params: Params;
  readonly factor: number;
  readonly batches: number;
  readonly images: number;
}

/**
 * The `scale_factor` that the first batches of a run give: 1/std of their latents, variance over n-1.
 * @throws Error if there is no batch, or its latents do not vary
 */
export async function measureScale(
  model: LatentDiffusion | LatentDiffusionCompose,
  p: Params,
  source: BatchSource,
  seed: number,
): Promise<MeasuredScale> {
  const limit = model.config.scaleFactor === 'auto' ? AUTO_BATCHES : 1;
  let [batches, images, n, mean, squares] = [0, 0, 0, 0, 0];
  for await (const host of source.epoch(0, 0)) {
    const batch = toTensors(host);
    const rng = Rng.of(seed).split('scale');
    const z = tf.tidy(() => {
      const posterior = model.firstStage.encode(p, batch[model.config.firstStageKey] as tf.Tensor4D);
      const noise = (batches === 0 ? rng : rng.split(batches)).normal<tf.Rank.R4>(posterior.mean.shape);
      return samplePosterior(posterior, noise);
    });
    const values = (await z.data()) as Float32Array;
    // Chan's way of adding up: exact enough for latents far from 0.
    const own = values.reduce((sum, value) => sum + value, 0) / values.length;
    const spread = values.reduce((sum, value) => sum + (value - own) ** 2, 0);
    const total = n + values.length;
    squares += spread + ((own - mean) ** 2 * n * values.length) / total;
    mean += ((own - mean) * values.length) / total;
    n = total;
    images += z.shape[0];
    tf.dispose([z, ...Object.values(batch)]);
    batches++;
    if (batches === limit) break;
  }
  const factor = 1 / Math.sqrt(squares / (n - 1));
  if (!Number.isFinite(factor)) {
    throw new Error(
      `scale_factor: the latents of ${images} images have a standard deviation of ${1 / factor}; is the first stage trained, and are there images?`,
    );
  }
  return { params: new Params([['scale_factor', tf.scalar(factor)]]), factor, batches, images };
}
