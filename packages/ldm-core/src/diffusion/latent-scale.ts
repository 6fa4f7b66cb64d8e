import * as tf from '@tensorflow/tfjs-core';
import type { LatentDiffusionConfig } from '../config/latent-diffusion-config.js';
import { Params } from '../nn/params.js';
import type { ParamKey, Scope } from '../nn/scope.js';
import type { AutoencoderKL } from '../vae/autoencoder.js';
import { samplePosterior } from '../vae/posterior.js';

/**
 * The factor between a first stage's latents and the ones diffused, and with it the way from images to latents and back
 * (Rombach et al. 2022, appendix G). A number of the config; with
 * `scale_by_std` or `scale_factor: auto` a scalar under the key `scale_factor`, which a run's first batches give.
 */
export class LatentScale {
  private readonly factor: number;
  private readonly measured: ParamKey<tf.Rank.R0> | null;

  constructor(
    private readonly scope: Scope,
    { scaleFactor, scaleByStd }: Pick<LatentDiffusionConfig, 'scaleFactor' | 'scaleByStd'>,
  ) {
    this.factor = scaleFactor === 'auto' ? 1 : scaleFactor;
    const measures = scaleByStd || scaleFactor === 'auto';
    this.measured = measures ? scope.buffer('scale_factor', [], { kind: 'constant', value: 1 }) : null;
  }

  /** The factor: a number, or a scalar that the first batch measured. */
  of(p: Params): number | tf.Scalar {
    return this.measured ? p.of(this.measured) : this.factor;
  }

  /**
   * Where it is measured, the factor that these images give: 1/std of its latents, variance over n-1.
   * @param images in [-1,1] [B,H,W,C] @param noise standard normal [B,h,w,C'] @returns the one tensor to put in the weights
   * @throws Error if the config gives the factor itself
   */
  measure(p: Params, firstStage: AutoencoderKL<unknown>, images: tf.Tensor4D, noise: tf.Tensor4D): Params {
    const { measured } = this;
    if (measured === null) {
      throw new Error(
        `model '${this.scope.path}': scale_by_std is false and scale_factor a number, so it is not measured`,
      );
    }
    const factor = tf.tidy(() => {
      const z = samplePosterior(firstStage.encode(p, images), noise);
      return tf.rsqrt(tf.mul(tf.moments(z).variance, z.size / (z.size - 1)));
    });
    return new Params([[measured.key, factor]]);
  }

  /**
   * Images to latents, sampled from the posterior and scaled.
   * @param images in [-1,1] [B,H,W,C] @param noise standard normal [B,h,w,C'] @returns [B,h,w,C']
   */
  encode(p: Params, firstStage: AutoencoderKL<unknown>, images: tf.Tensor4D, noise: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => tf.mul(samplePosterior(firstStage.encode(p, images), noise), this.of(p)));
  }

  /** @param z scaled latents [B,h,w,C'] @returns images, about [-1,1], not clipped [B,H,W,C] */
  decode(p: Params, firstStage: AutoencoderKL<unknown>, z: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => firstStage.decode(p, tf.div(z, this.of(p))));
  }
}
