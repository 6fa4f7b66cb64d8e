import type { LatentDiffusion } from '../diffusion/latent-diffusion.js';
import type { PassSegMaskEncoder, SegMaskEncoder } from '../mask/seg-mask-encoder.js';
import type { BERTEmbedder } from '../text/bert-embedder.js';
import type { UNetModel } from '../unet/unet.js';
import type { AutoencoderKL } from '../vae/autoencoder.js';
import type { LPIPSWithDiscriminator } from '../vae/gan-loss.js';
import { defineRole } from './target.js';

/** What a config's parts do for each other. The names are those that the schemas ask for. */
export const roles = {
  /** A whole model, at the top of a config file. */
  model: defineRole<unknown>('model'),
  /** A model that collaborative diffusion takes as a branch. */
  branch: defineRole<LatentDiffusion>('branch'),
  /** A latent diffusion model of one condition. */
  latentDiffusion: defineRole<LatentDiffusion>('latentDiffusion'),
  /** Predicts noise. */
  unet: defineRole<UNetModel>('unet'),
  /** Turns images into latents and back. */
  firstStage: defineRole<AutoencoderKL<LPIPSWithDiscriminator | null>>('firstStage'),
  /** Trains the first stage. */
  loss: defineRole<LPIPSWithDiscriminator | null>('loss'),
  /** Turns a condition into tokens. */
  condStage: defineRole<BERTEmbedder | SegMaskEncoder>('condStage'),
  /** Prepares a mask for its encoder. */
  maskEncoder: defineRole<PassSegMaskEncoder>('maskEncoder'),
  /** A layer on its own. */
  block: defineRole<unknown>('block'),
  /** A factor on the learning rate, by step. */
  lrSchedule: defineRole<(step: number) => number>('lrSchedule'),
};
