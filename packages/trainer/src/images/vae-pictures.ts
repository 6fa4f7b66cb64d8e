import { type Params, Rng, samplePosterior, tidyTree } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import type { Compile } from '../steps/consume.js';
import type { GanAutoencoder } from '../steps/vae-training.js';
import type { PictureOptions } from './picture-options.js';
import { type MakePictures, take } from './pictures.js';

/**
 * Pictures of an autoencoder: its inputs, what it makes of them, and what it makes of noise.
 * @param imageKey batch key of the images
 */
export function vaePictures(
  vae: GanAutoencoder,
  imageKey: string,
  { onlyInputs }: Pick<PictureOptions, 'onlyInputs'>,
  compile: Compile,
): MakePictures {
  const make = compile(
    (p: Params, images: tf.Tensor4D, seed: tf.Tensor1D) =>
      tidyTree(() => {
        const rng = Rng.from(seed);
        const posterior = vae.encode(p, images);
        const noise = (label: string) => rng.split(label).normal<tf.Rank.R4>(posterior.mean.shape);
        return {
          reconstructions: vae.decode(p, samplePosterior(posterior, noise('posterior'))),
          samples: vae.decode(p, noise('samples')),
        };
      }),
    { name: 'pictures of an autoencoder' },
  );
  return async (p, batch, rng) => {
    const images = batch[imageKey] as tf.Tensor4D;
    const inputs = { images: await take(tf.clone(images)) };
    if (onlyInputs) return { inputs };
    const seed = rng.toTensor();
    const { reconstructions, samples } = make(p, images, seed);
    seed.dispose();
    return {
      inputs,
      reconstructions: { images: await take(reconstructions) },
      samples: { images: await take(samples) },
    };
  };
}
