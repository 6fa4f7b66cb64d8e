import * as tf from '@tensorflow/tfjs-core';
import type { Rng } from '../nn/random.js';

/** Where samplers get their noise. Draws come in a fixed order, so equal sources give equal images. */
export interface NoiseSource {
  /** The next standard normal draw of this shape; the caller disposes it. */
  next(shape: Shape4D): tf.Tensor4D;
  /** The next draw uniform in [0, 1); only dropout of the noise needs it. */
  uniform?(shape: Shape4D): tf.Tensor4D;
}

/** [B, H, W, C] */
export type Shape4D = [number, number, number, number];

/**
 * Noise from a seed: draw k is that of `rng.split(k)`, whatever was drawn elsewhere. A source has a position, so one run
 * takes one source: make another from the same `rng` to repeat it.
 */
export function seededNoise(rng: Rng): NoiseSource {
  let draws = 0;
  return {
    next: (shape) => rng.split(draws++).normal(shape),
    uniform: (shape) => rng.split(draws++).uniform(shape),
  };
}

/**
 * The stored draws, in order, as copies: the tensors stay the caller's. It holds no uniform draws.
 * The source's `next` throws an Error when the draws are used up or have another shape than asked for.
 */
export function replayNoise(noises: readonly tf.Tensor4D[]): NoiseSource {
  let position = 0;
  return {
    next(shape) {
      const noise = noises[position];
      if (noise === undefined) {
        throw new Error(`noise: draw ${position} is wanted, only ${noises.length} are stored`);
      }
      if (noise.shape.join() !== shape.join()) {
        throw new Error(`noise: stored draw ${position} is [${noise.shape}], the sampler wants [${shape}]`);
      }
      position++;
      return tf.clone(noise);
    },
  };
}

/** The source, or an error that says what needs it. @throws Error if it is absent */
export function requireNoise(noise: NoiseSource | undefined, purpose: string): NoiseSource {
  if (noise === undefined) {
    throw new Error(`sampler: ${purpose} needs random numbers; pass a noise source, e.g. noise: seededNoise(rng)`);
  }
  return noise;
}
