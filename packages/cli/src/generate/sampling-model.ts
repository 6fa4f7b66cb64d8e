import type { MixEvent } from '@codiff/codiff';
import type { Denoise, Schedule } from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';

/** The conditions of one image, as a model's encoders take them, by name. */
export type ConditionInputs = { readonly [condition: string]: tf.Tensor };

/** What images are to show, and what not. The tensors are the caller's. */
export interface Guidance {
  readonly cond: ConditionInputs;
  readonly uncond?: ConditionInputs | undefined;
  /** Above 1: beyond `cond`, away from `uncond`. */
  readonly scale: number;
}

/** A denoiser of a batch of one size. Free it when the batch is done. */
export interface BatchDenoiser {
  readonly denoise: Denoise;
  dispose(): void;
}

/** A model with its weights and its conditions, ready to sample, whether it is one or several that collaborate. */
export interface SamplingModel {
  readonly schedule: Schedule;
  /**
   * @param batch number of images @param onMix told how the branches are mixed, by models that mix
   */
  denoiser(batch: number, onMix?: (event: MixEvent) => void): BatchDenoiser;
  /** @param z latents [B,h,w,c] @returns images, about [-1,1] [B,H,W,3] */
  decode(z: tf.Tensor4D): tf.Tensor4D;
  /** Free the encoded conditions and the compiled functions. */
  dispose(): void;
}
