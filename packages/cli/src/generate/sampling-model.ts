import type { MixEvent } from '@codiff/codiff';
import type { Denoise, Params, Schedule } from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';

/** The conditions of one image, or of each image of a batch, as a model's encoders take them, by name. */
export type ConditionInputs = { readonly [condition: string]: tf.Tensor };

/** Conditions still to be encoded, or embeddings [1,L,D] by condition. */
export type GivenConditions = ConditionInputs | EncodedInputs;

/** Conditions that are encoded already. */
export interface EncodedInputs {
  readonly embeddings: { readonly [condition: string]: tf.Tensor3D };
}

/** The embeddings of given conditions. @param encode used where they are not encoded yet */
export function embeddingsOf(
  given: GivenConditions,
  encode: (inputs: ConditionInputs) => EncodedInputs['embeddings'],
): EncodedInputs['embeddings'] {
  return isEncoded(given) ? given.embeddings : encode(given);
}

function isEncoded(given: GivenConditions): given is EncodedInputs {
  return 'embeddings' in given && !('dataId' in given.embeddings);
}

/** What images are to show, and what not. The tensors are the caller's. */
export interface Guidance {
  readonly cond: GivenConditions;
  readonly uncond?: GivenConditions | undefined;
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
  /** Free the encoded conditions. */
  dispose(): void;
}

/** A model without weights and conditions: what is compiled once serves all of them. */
export interface SamplingModels {
  /** @param p its weights, the caller's */
  of(p: Params, guidance: Guidance): SamplingModel;
  /** Free the compiled functions. */
  dispose(): void;
}
