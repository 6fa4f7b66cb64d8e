import { addedFlags, IMAGES, originalFlags } from '../generate/flags/common.js';
import { type Given, oneOf, text, whole, yesNo } from '../generate/flags/values.js';

/** Which images are looked at: all, the paper's 50, 3000, or 50 and 3000 side by side. */
export const PROTOCOL_WORDS = ['all', 'paper', 'large', 'both'] as const;
/** Networks by what the images show. */
export const NETWORK_WORDS = ['drawings', 'faces'] as const;

const { config_path, ckpt_path, batch_size, ddim_steps } = originalFlags({ config: '', checkpoint: '', folder: '' });
const { seed, sampler, eta, precision, device, memory_limit, quiet, json } = addedFlags;

/** Flags of `codiff evaluate`. */
export const evaluateFlags = {
  images: text('images', { describe: 'folder of images to evaluate' }),
  reference: text('reference', { describe: 'folder of real images' }),
  data: text('data', {
    describe:
      'data set of real images, masks and captions: a config (its held-out faces) or the root of a set (all of it)',
  }),
  masks: text('masks', { describe: "folder of masks of the images' names" }),
  captions: text('captions', { describe: "captions of the images' names, as JSON of the training form" }),
  originals: text('originals', { describe: 'folder of the images that these are edits of' }),
  config_path: { ...config_path, describe: 'or evaluate a model: its config', defaultDescription: undefined },
  ckpt_path: { ...ckpt_path, describe: 'and its checkpoint', defaultDescription: undefined },
  save_folder: text('save_folder', {
    describe: 'where the images of a model go; what is there of the same run is kept',
    defaultDescription: 'outputs/evaluate/<name of the config>',
  }),
  num_samples: whole('num_samples', IMAGES, {
    describe: 'images of a model in all',
    defaultDescription: 'what the protocol asks for',
  }),
  samples_per_condition: whole('samples_per_condition', [1, 1000], {
    describe: 'images of each condition; diversity needs 2',
    defaultDescription: '1',
  }),
  networks: oneOf('networks', NETWORK_WORDS, { describe: 'what the images show', defaultDescription: 'drawings' }),
  pretrained: text('pretrained', { describe: "folder of the networks' weights", defaultDescription: 'pretrained' }),
  protocol: oneOf('protocol', PROTOCOL_WORDS, {
    describe: 'images looked at (paper: 50, large: 3000)',
    defaultDescription: 'all of --images, paper for a model',
  }),
  resamples: whole('resamples', [10, 100_000], {
    describe: 'resamples of each bootstrap',
    defaultDescription: '1000',
  }),
  batch_size,
  ddim_steps,
  sampler,
  eta,
  seed: { ...seed, describe: 'of samples, choices and intervals', defaultDescription: '0' },
  precision,
  device,
  memory_limit,
  quiet: { ...quiet, describe: 'no progress, no notes' },
  json: { ...json, describe: 'tell the table as JSON' },
};

/** What they give. */
export type EvaluateFlags = Given<typeof evaluateFlags>;

/** Flags of `codiff evaluate train`. */
export const trainFlags = {
  pretrained: evaluateFlags.pretrained,
  drawings: whole('drawings', [100, 1_000_000], { describe: 'faces drawn to train on', defaultDescription: '20000' }),
  held_out: whole('held_out', [50, 100_000], { describe: 'faces drawn to measure by', defaultDescription: '1000' }),
  steps: whole('steps', [1, 1_000_000], { describe: 'training steps', defaultDescription: 'enough: see the README' }),
  seed: { ...seed, describe: 'of the first weights, the order and the flaws', defaultDescription: '11' },
  device,
  memory_limit,
  quiet: yesNo('quiet', { describe: 'no progress', defaultDescription: '0' }),
};

/** What they give. */
export type EvaluateTrainFlags = Given<typeof trainFlags>;
