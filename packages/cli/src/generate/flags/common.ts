import { type SamplerName, samplers } from '@codiff/ldm-core';
import { decimal, oneOf, text, whole, yesNo } from './values.js';

/** What TensorFlow may compute in. */
export const PRECISIONS = ['float32', 'bfloat16', 'float16'] as const;

/** Seeds that are drawn lie below this, and those given at or below its neighbour. */
export const SEEDS = 2 ** 32;

/** How many images a run may make. */
export const IMAGES = [1, 100_000] as const;

/** What the original's commands have in common (original, section 4), with their own defaults. */
export const originalFlags = (defaults: { config: string; checkpoint: string; folder: string }) => ({
  config_path: text('config_path', { describe: 'config of the model', defaultDescription: defaults.config }),
  ckpt_path: text('ckpt_path', {
    describe: 'checkpoint of the model; it alone is enough',
    defaultDescription: defaults.checkpoint,
  }),
  save_folder: text('save_folder', {
    describe: 'folder of all results (with --from: outputs/rerun)',
    defaultDescription: defaults.folder,
  }),
  batch_size: whole('batch_size', IMAGES, { describe: 'images at once', defaultDescription: '4' }),
  ddim_steps: text('ddim_steps', { describe: 'denoising steps: 1 to 500, or 1000', defaultDescription: '50' }),
  save_z: yesNo('save_z', { describe: 'write the latents too', defaultDescription: '0' }),
  display_x_inter: yesNo('display_x_inter', {
    describe: 'write x_t and the predicted x_0 of every step too',
    defaultDescription: '0',
  }),
});

/** What the original's commands do not have. */
export const addedFlags = {
  seed: whole('seed', [0, SEEDS - 1], {
    describe: 'the same seed gives the same images',
    defaultDescription: 'drawn, and told',
  }),
  num_samples: whole('num_samples', IMAGES, {
    describe: 'images in all, in batches of --batch_size',
    defaultDescription: 'one batch',
  }),
  sampler: oneOf('sampler', Object.keys(samplers) as SamplerName[], {
    describe: 'how to sample',
    defaultDescription: 'ddim',
  }),
  eta: decimal('eta', {
    describe: 'noise added in each step, 0 to 1, for ddim',
    defaultDescription: '1 for ddim',
  }),
  precision: oneOf('precision', PRECISIONS, {
    describe: 'what to compute in (bfloat16 on CPUs, float16 on GPUs)',
    defaultDescription: 'float32',
  }),
  device: text('device', { describe: 'cpu, gpu or gpu:<n>', defaultDescription: 'the first GPU, else the CPU' }),
  pack_weights: yesNo('pack_weights', {
    describe: 'in bfloat16, keep a second copy of the weights, laid out for the CPU: a third faster',
    defaultDescription: '1',
  }),
  memory_limit: whole('memory_limit', [1, 2 ** 24], {
    describe: 'most memory to take, in MiB',
    defaultDescription: 'what is free',
  }),
  report: yesNo('report', {
    describe: 'write report.html too: inputs, results, every step, and who had influence where and when',
    defaultDescription: '0',
  }),
  from: text('from', { describe: 'an image made here: run the batch that it came from again, bit for bit' }),
  quiet: yesNo('quiet', { describe: 'no progress and no notes', defaultDescription: '0' }),
  json: yesNo('json', { describe: 'tell the results as JSON', defaultDescription: '0' }),
};

/** A text to steer away from: for models that read texts. */
export const negativeFlags = {
  negative_text: text('negative_text', { describe: 'a text to steer away from' }),
  guidance_scale: decimal('guidance_scale', {
    describe: 'how far to go beyond the conditions, away from --negative_text',
    defaultDescription: '2 with --negative_text',
  }),
};

/** The same for models that read none, so that it is refused with the reason. */
export const noNegativeFlags = {
  negative_text: text('negative_text', { describe: 'refused: a model of masks reads no text' }),
};

/** FreeU: stronger backbone features, weaker low frequencies of the skips (original, section 13). */
export const freeUFlags = {
  enable_freeu: yesNo('enable_freeu', { describe: 'use FreeU; the folder gets a suffix, also for 0' }),
  b1: decimal('b1', { describe: 'FreeU: factor on the backbone, stage 1', defaultDescription: '1.1' }),
  b2: decimal('b2', { describe: 'FreeU: factor on the backbone, stage 2', defaultDescription: '1.2' }),
  s1: decimal('s1', { describe: 'FreeU: factor on the skip, stage 1', defaultDescription: '1' }),
  s2: decimal('s2', { describe: 'FreeU: factor on the skip, stage 2', defaultDescription: '1' }),
};
