import { type NoiseSource, Rng, type Shape4D } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';

/** One image to make: number of its pair of conditions, and which sample of them. */
export interface NoiseKey {
  readonly pair: number;
  readonly sample: number;
}

/** Random numbers of a batch. */
export interface StartNoise {
  /** Where sampling starts [B,h,w,c]. The caller owns it. */
  readonly start: () => tf.Tensor4D;
  /** What the sampler draws at its steps. It has a position, and serves one run. */
  readonly source: NoiseSource;
}

/**
 * The random numbers of images: the same for an image in any batch and under any method, so that methods differ by what they
 * predict and nothing else.
 * @param latent size of one image's latents [h,w,c]
 */
export function startNoise(
  seed: number,
  images: readonly NoiseKey[],
  latent: readonly [number, number, number],
): StartNoise {
  const sources = images.map(({ pair, sample }) => Rng.of(seed).split('pair').split(pair).split(sample));
  const join = (draw: (source: Rng) => tf.Tensor4D): tf.Tensor4D => tf.tidy(() => tf.concat(sources.map(draw), 0));
  let drawn = 0;
  return {
    start: () => join((source) => source.split('start').normal([1, ...latent])),
    source: {
      next: ([, ...shape]: Shape4D) => {
        const step = drawn++;
        return join((source) =>
          source
            .split('step')
            .split(step)
            .normal([1, ...shape]),
        );
      },
    },
  };
}
