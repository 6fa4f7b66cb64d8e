import { COLLABORATIVE_ALPHAS, IMAGIC_ALPHAS, IMAGIC_STAGES } from '@codiff/codiff';
import { addedFlags, IMAGES, negativeFlags, SEEDS } from '../generate/flags/common.js';
import { decimal, type Flag, text, whole, yesNo } from '../generate/flags/values.js';

const list = (name: string, describe: string, values: readonly number[]): Flag<string> => ({
  ...text(name, { describe, defaultDescription: `"${values.join(', ')}"` }),
  // A list may begin with a minus, which would else be read as another flag.
  nargs: 1,
});

/** What edits by text, and by text and mask together, have besides. */
export const negativeEditFlags = {
  negative_text: negativeFlags.negative_text,
  guidance_scale: decimal('guidance_scale', {
    describe: 'how far to go beyond the edit, away from --negative_text',
    defaultDescription: '2 with --negative_text',
  }),
};

const { sampler, eta, precision, device, memory_limit, quiet, json } = addedFlags;

/** What all edits have beside the original's flags. */
const added = {
  ddim_steps: text('ddim_steps', { describe: 'denoising steps: 1 to 500, or 1000', defaultDescription: '50' }),
  ...{ sampler, eta, precision, device, memory_limit },
  force: yesNo('force', { describe: 'make again what is finished', defaultDescription: '0' }),
  ...{ quiet, json },
};

/** The tuned stages, with the original's flags (section 4). */
export const tuningFlags = {
  stage1_lr: decimal('stage1_lr', {
    describe: 'stage A: learning rate of the embedding',
    defaultDescription: String(IMAGIC_STAGES.embedding.lr),
  }),
  stage1_num_iter: whole('stage1_num_iter', [0, 1_000_000], {
    describe: 'stage A: iterations',
    defaultDescription: String(IMAGIC_STAGES.embedding.iterations),
  }),
  stage2_lr: decimal('stage2_lr', {
    describe: 'stage B: learning rate of the UNet',
    defaultDescription: String(IMAGIC_STAGES.weights.lr),
  }),
  stage2_num_iter: whole('stage2_num_iter', [0, 1_000_000], {
    describe: 'stage B: iterations',
    defaultDescription: String(IMAGIC_STAGES.weights.iterations),
  }),
  alpha_list: list('alpha_list', 'how far to edit, for each image: 0 reconstructs, 1 is the target', IMAGIC_ALPHAS),
  set_random_seed: yesNo('set_random_seed', {
    describe: 'every iteration draws by chance; nothing can be repeated then',
    defaultDescription: '0',
  }),
  legacy_start_code: yesNo('legacy_start_code', {
    describe: 'start from a draw of the seed and not from start_code, as the original does without meaning to',
    defaultDescription: '0',
  }),
  save_minutes: decimal('save_minutes', {
    describe: 'minutes between savings of an unfinished stage',
    defaultDescription: '10',
  }),
};

/** Defaults of an edit by one condition. */
export interface ImagicDefaults {
  readonly config: string;
  readonly checkpoint: string;
  readonly folder: string;
}

/** Where the original looks for the image to edit. */
export const INPUT_IMAGE = 'test_data/test_mask_edit/256_input_image/27044.jpg';

/** Flags of `edit text` and `edit mask`, beside the condition's own. */
export const imagicFlags = (defaults: ImagicDefaults) => ({
  config: text('config', { describe: 'config of the model', defaultDescription: defaults.config }),
  ckpt: text('ckpt', { describe: 'checkpoint of the model', defaultDescription: defaults.checkpoint }),
  save_folder: text('save_folder', { describe: 'folder of all results', defaultDescription: defaults.folder }),
  input_image_path: text('input_image_path', {
    describe: "the image to edit, of the model's size",
    defaultDescription: INPUT_IMAGE,
  }),
  seed: seed('seed', "drawn, told and kept; the original's is 0"),
  ...tuningFlags,
  save_checkpoint: yesNo('save_checkpoint', {
    describe: 'save the tuned model; edit collaborative needs it',
    defaultDescription: '1',
  }),
  num_samples: whole('num_samples', IMAGES, { describe: 'images of each alpha', defaultDescription: '1' }),
  ...added,
});

/** Extra files of collaborative edits, and how many images. */
export const mixFlags = {
  batch_size: whole('batch_size', IMAGES, { describe: 'images at once', defaultDescription: '1' }),
  num_samples: whole('num_samples', IMAGES, {
    describe: 'images of each alpha, of edits by text and mask together in batches of --batch_size',
    defaultDescription: 'one batch',
  }),
  save_z: yesNo('save_z', { describe: 'write the latents too', defaultDescription: '0' }),
  return_influence_function: yesNo('return_influence_function', {
    describe: 'write the influence of mask and text in every step too',
    defaultDescription: '0',
  }),
  display_x_inter: yesNo('display_x_inter', {
    describe: 'write x_t and the predicted x_0 of every step too',
    defaultDescription: '0',
  }),
};

/** Defaults of `edit collaborative`. */
export const COLLABORATIVE = {
  textFolder: 'outputs/text_edit/27044.jpg/He is a teen. The face is covered with short pointed beard.',
  maskFolder: 'outputs/mask_edit/27044.jpg/27044_0_remove_smile_and_rings.png',
  config: 'configs/256_codiff_mask_text.yaml',
  checkpoint: 'pretrained/256_codiff_mask_text.ckpt',
  folder: 'outputs/collaborative_edit',
} as const;

/** Config and checkpoint of the collaborative model. */
export const composeFlags = {
  config_path: text('config_path', {
    describe: 'config of the collaborative model',
    defaultDescription: COLLABORATIVE.config,
  }),
  ckpt_path: text('ckpt_path', {
    describe: 'its checkpoint, for the dynamic diffusers',
    defaultDescription: COLLABORATIVE.checkpoint,
  }),
};

/** Flags of `edit collaborative`. */
export const collaborativeFlags = {
  ...negativeEditFlags,
  imagic_text_folder: text('imagic_text_folder', {
    describe: 'folder of an edit by text',
    defaultDescription: COLLABORATIVE.textFolder,
  }),
  imagic_mask_folder: text('imagic_mask_folder', {
    describe: 'folder of an edit by mask',
    defaultDescription: COLLABORATIVE.maskFolder,
  }),
  ...composeFlags,
  save_folder: text('save_folder', { describe: 'folder of all results', defaultDescription: COLLABORATIVE.folder }),
  ...mixFlags,
  seed: seed('seed', "drawn, told and kept; the original's is 2"),
  alpha_list: list('alpha_list', 'how far to edit, for each image', COLLABORATIVE_ALPHAS),
  legacy_start_code: yesNo('legacy_start_code', {
    describe: 'accepted; a collaborative edit starts from a draw of its seed in any case',
    hidden: true,
  }),
  ...added,
};

/** Flags of `edit both`. */
export const bothFlags = {
  image: text('image', { describe: "the image to edit, of the models' size" }),
  text: text('text', { describe: 'what it is to show' }),
  mask: text('mask', { describe: 'the edited mask' }),
  ...negativeEditFlags,
  text_config: text('text_config', {
    describe: 'config of the text model',
    defaultDescription: 'configs/256_text.yaml',
  }),
  text_ckpt: text('text_ckpt', { describe: 'its checkpoint', defaultDescription: 'pretrained/256_text.ckpt' }),
  mask_config: text('mask_config', {
    describe: 'config of the mask model',
    defaultDescription: 'configs/256_mask.yaml',
  }),
  mask_ckpt: text('mask_ckpt', { describe: 'its checkpoint', defaultDescription: 'pretrained/256_mask.ckpt' }),
  ...composeFlags,
  save_folder: text('save_folder', {
    describe: 'parent of text_edit, mask_edit and collaborative_edit',
    defaultDescription: 'outputs',
  }),
  seed: seed('seed', "drawn, told and kept; the original's is 0 for the edits by text and by mask"),
  collaborative_seed: seed('collaborative_seed', "--seed; the original's is 2"),
  ...tuningFlags,
  collaborative_alpha_list: list('collaborative_alpha_list', 'the same for both together', COLLABORATIVE_ALPHAS),
  ...mixFlags,
  ...added,
};

function seed(name: string, defaultDescription: string): Flag<number> {
  return whole(name, [0, SEEDS - 1], { describe: 'the same seed gives the same images', defaultDescription });
}
