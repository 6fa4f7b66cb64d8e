import type { UNetModel } from '../unet/unet.js';
import type { AutoencoderKL } from '../vae/autoencoder.js';
import { defineRole } from './target.js';

/** What a config's parts do for each other. The names are those that the schemas ask for. */
export const roles = {
  /** A whole model, at the top of a config file. */
  model: defineRole<unknown>('model'),
  /** A model that collaborative diffusion takes as a branch. */
  branch: defineRole<unknown>('branch'),
  /** Predicts noise. */
  unet: defineRole<UNetModel>('unet'),
  /** Turns images into latents and back. */
  firstStage: defineRole<AutoencoderKL<unknown>>('firstStage'),
  /** Trains the first stage. */
  loss: defineRole<unknown>('loss'),
  /** Turns a condition into tokens. */
  condStage: defineRole<unknown>('condStage'),
  /** Prepares a mask for its encoder. */
  maskEncoder: defineRole<unknown>('maskEncoder'),
  /** A layer on its own. */
  block: defineRole<unknown>('block'),
  /** A factor on the learning rate, by step. */
  lrSchedule: defineRole<unknown>('lrSchedule'),
};
