import * as tf from '@tensorflow/tfjs-core';
import { type NoiseSource, requireNoise } from './noise-source.js';
import type { Schedule } from './schedule.js';

/** A region whose latents are known. */
export interface Inpaint {
  /** 1 where `x0` is kept, 0 where the sampler paints; [B or 1, H, W, C or 1]. */
  readonly mask: tf.Tensor4D;
  /** Clean latents [B,H,W,C]. */
  readonly x0: tf.Tensor4D;
}

/**
 * Put a noised copy of the known region into x before the step at t: x ← q_sample(x_0, t) mask + x (1 - mask). The last
 * step is a model's too, so the known region comes back as the model sees it at the lowest noise, not bit for bit.
 * @param x [B,H,W,C] @returns [B,H,W,C], a tensor of its own
 * @throws Error without a noise source, or if the shapes do not fit
 */
export function blendKnown(
  schedule: Schedule,
  x: tf.Tensor4D,
  t: number,
  { mask, x0 }: Inpaint,
  noise: NoiseSource | undefined,
): tf.Tensor4D {
  if (x0.shape.join() !== x.shape.join() || mask.shape.some((size, axis) => size !== x.shape[axis] && size !== 1)) {
    throw new RangeError(
      `inpaint: x0 is [${x0.shape}] and the mask [${mask.shape}], the latents are [${x.shape}]; ` +
        'wanted x0 of their shape, and a mask that broadcasts to it',
    );
  }
  const source = requireNoise(noise, 'inpainting');
  return tf.tidy(() => {
    const known = tf.add(
      tf.mul(x0, schedule.sqrtAlphasCumprod[t]!),
      tf.mul(source.next(x.shape), schedule.sqrtOneMinusAlphasCumprod[t]!),
    );
    return tf.add<tf.Tensor4D>(tf.mul(known, mask), tf.mul(x, tf.sub(1, mask)));
  });
}
