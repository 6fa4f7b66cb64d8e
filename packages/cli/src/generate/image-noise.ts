import { type NoiseSource, Rng } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';

/** The random numbers of a batch. Image i of a seed has the same ones in any batch. */
export interface ImageNoise {
  /** Where sampling starts [B,h,w,c]. The caller owns it. */
  readonly start: () => tf.Tensor4D;
  /** What samplers draw. It has a position, and serves one run. */
  readonly source: NoiseSource;
}

/**
 * Random numbers by seed and number of the image.
 * @param seed of the run @param first number of the batch's first image @param latents [B,h,w,c] of the batch
 */
export function imageNoise(
  seed: number,
  first: number,
  latents: readonly [number, number, number, number],
): ImageNoise {
  const [B, ...size] = latents;
  const images = Array.from({ length: B }, (_, i) =>
    Rng.of(seed)
      .split('image')
      .split(first + i),
  );
  const join = (draw: (image: Rng) => tf.Tensor4D): tf.Tensor4D => tf.tidy(() => tf.concat(images.map(draw), 0));
  let drawn = 0;
  return {
    start: () => join((image) => image.split('start').normal([1, ...size])),
    source: {
      next: ([, ...shape]) => {
        const label = drawn++;
        return join((image) =>
          image
            .split('noise')
            .split(label)
            .normal([1, ...shape]),
        );
      },
    },
  };
}
