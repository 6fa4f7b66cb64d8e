import { join } from 'node:path';
import { COLLABORATIVE_ALPHAS, IMAGIC_ALPHAS, IMAGIC_STAGES } from '@codiff/codiff';
import type { Given } from '../generate/flags/values.js';
import { batchesOf, type NamedFile, negativeOf, refuseNegativeText } from '../generate/request.js';
import { UsageError } from '../usage-error.js';
import { parseAlphas } from './alphas.js';
import type { CollaborativeRequest } from './collaborative-request.js';
import {
  type bothFlags,
  COLLABORATIVE,
  type collaborativeFlags,
  type ImagicDefaults,
  INPUT_IMAGE,
  type imagicFlags,
} from './flags.js';
import type { ImagicRequest, Modality } from './imagic-request.js';

/** What the original's editing scripts do where flags say nothing. */
export const IMAGIC: Readonly<Record<Modality, ImagicDefaults>> = {
  text: { config: 'configs/256_text.yaml', checkpoint: 'pretrained/256_text.ckpt', folder: 'outputs/text_edit' },
  mask: { config: 'configs/256_mask.yaml', checkpoint: 'pretrained/256_mask.ckpt', folder: 'outputs/mask_edit' },
};

/** The original's prompt, and its edited mask. */
export const PROMPT = 'He is a teen. The face is covered with short pointed beard.';
export const EDITED_MASK = 'test_data/test_mask_edit/256_edited_masks/27044_0_remove_smile_and_rings.png';

/** The values of flags, of which any may be absent. */
type ImagicFlags = Partial<Given<ReturnType<typeof imagicFlags>>> & {
  readonly text_prompt?: string | undefined;
  readonly mask_path?: string | undefined;
  readonly negative_text?: string | undefined;
  readonly guidance_scale?: number | undefined;
};
type CollaborativeFlags = Partial<Given<typeof collaborativeFlags>>;
type BothFlags = Partial<Given<typeof bothFlags>>;

const named = (given: string | undefined, otherwise: string): NamedFile => ({
  path: given ?? otherwise,
  isDefault: given === undefined,
});

/** What the flags of `edit text` or `edit mask` ask for. @throws UsageError for values that cannot be */
export function imagicRequest(modality: Modality, flags: ImagicFlags): ImagicRequest {
  const defaults = IMAGIC[modality];
  const byText = modality === 'text';
  if (!byText) refuseNegativeText(flags, 'edit mask', 'edit text or edit collaborative');
  return {
    ...engineOf(flags),
    ...tuningOf(flags),
    modality,
    config: named(flags.config, defaults.config),
    checkpoint: named(flags.ckpt, defaults.checkpoint),
    image: named(flags.input_image_path, INPUT_IMAGE),
    text: byText ? (flags.text_prompt ?? PROMPT) : undefined,
    mask: byText ? undefined : named(flags.mask_path, EDITED_MASK),
    folder: flags.save_folder ?? defaults.folder,
    seed: flags.seed,
    images: flags.num_samples ?? 1,
    ...negativeOf(flags),
    sampler: flags,
    saveCheckpoint: flags.save_checkpoint ?? true,
    force: flags.force ?? false,
    flags: { config: 'config', checkpoint: 'ckpt', image: 'input_image_path', text: 'text_prompt', mask: 'mask_path' },
  };
}

/** What the flags of `edit collaborative` ask for. @throws UsageError for values that cannot be */
export function collaborativeRequest(flags: CollaborativeFlags): CollaborativeRequest {
  return {
    ...mixOf(flags, parsedAlphas('alpha_list', flags.alpha_list, COLLABORATIVE_ALPHAS)),
    text: named(flags.imagic_text_folder, COLLABORATIVE.textFolder),
    mask: named(flags.imagic_mask_folder, COLLABORATIVE.maskFolder),
    folder: flags.save_folder ?? COLLABORATIVE.folder,
  };
}

/** The three edits that the flags of `edit both` ask for. @throws UsageError for values that cannot be */
export function bothRequests(flags: BothFlags): {
  readonly text: ImagicRequest;
  readonly mask: ImagicRequest;
  /** Its folders are known once the two others have theirs. */
  readonly together: Omit<CollaborativeRequest, 'text' | 'mask'>;
} {
  const { image, text, mask, save_folder: parent = 'outputs' } = flags;
  const absent = Object.entries({ image, text, mask }).find(([, value]) => value === undefined);
  if (image === undefined || text === undefined || mask === undefined) {
    throw new UsageError(
      `edit both needs --${absent?.[0]}; e.g. --image test_data/demo/image_256.png --text "A man." --mask test_data/demo/edited_mask_256.png`,
    );
  }
  const common = {
    ...engineOf(flags),
    ...tuningOf(flags),
    image: { path: image, isDefault: false },
    seed: flags.seed,
    images: flags.num_samples ?? 1,
    sampler: flags,
    saveCheckpoint: true,
    force: flags.force ?? false,
  };
  const flagsOf = (modality: Modality) => ({
    ...{ config: `${modality}_config`, checkpoint: `${modality}_ckpt` },
    ...{ image: 'image', text: 'text', mask: 'mask' },
  });
  return {
    text: {
      ...common,
      modality: 'text',
      config: named(flags.text_config, IMAGIC.text.config),
      checkpoint: named(flags.text_ckpt, IMAGIC.text.checkpoint),
      text,
      ...negativeOf(flags),
      mask: undefined,
      folder: join(parent, 'text_edit'),
      flags: flagsOf('text'),
    },
    mask: {
      ...common,
      modality: 'mask',
      config: named(flags.mask_config, IMAGIC.mask.config),
      checkpoint: named(flags.mask_ckpt, IMAGIC.mask.checkpoint),
      text: undefined,
      ...negativeOf({}),
      mask: { path: mask, isDefault: false },
      folder: join(parent, 'mask_edit'),
      flags: flagsOf('mask'),
    },
    together: {
      ...mixOf(flags, parsedAlphas('collaborative_alpha_list', flags.collaborative_alpha_list, COLLABORATIVE_ALPHAS)),
      seed: flags.collaborative_seed ?? flags.seed,
      folder: join(parent, 'collaborative_edit'),
    },
  };
}

const engineOf = ({ precision, device, memory_limit, quiet, json }: ImagicFlags | CollaborativeFlags | BothFlags) => ({
  precision: precision ?? ('float32' as const),
  device,
  memoryLimit: memory_limit,
  quiet: (quiet ?? false) || (json ?? false),
});

function tuningOf(flags: ImagicFlags | BothFlags) {
  const { embedding, weights } = IMAGIC_STAGES;
  return {
    embedding: {
      lr: positive('stage1_lr', flags.stage1_lr, embedding.lr),
      iterations: flags.stage1_num_iter ?? embedding.iterations,
    },
    weights: {
      lr: positive('stage2_lr', flags.stage2_lr, weights.lr),
      iterations: flags.stage2_num_iter ?? weights.iterations,
    },
    setRandomSeed: flags.set_random_seed ?? false,
    alphas: parsedAlphas('alpha_list', flags.alpha_list, IMAGIC_ALPHAS),
    legacyStartCode: flags.legacy_start_code ?? false,
    saveMinutes: positive('save_minutes', flags.save_minutes, 10),
  };
}

function mixOf(flags: CollaborativeFlags | BothFlags, alphas: readonly number[]) {
  const batchSize = flags.batch_size ?? 1;
  return {
    ...engineOf(flags),
    config: named(flags.config_path, COLLABORATIVE.config),
    checkpoint: named(flags.ckpt_path, COLLABORATIVE.checkpoint),
    alphas: alphas.map((alpha, index) => ({ alpha, index })),
    seed: flags.seed,
    bySeed: true,
    ...negativeOf(flags),
    sampler: flags,
    batches: batchesOf(flags.num_samples ?? batchSize, batchSize),
    extras: {
      z: flags.save_z ?? false,
      steps: flags.display_x_inter ?? false,
      influence: flags.return_influence_function ?? false,
      mixed: false,
    },
    force: flags.force ?? false,
  };
}

function positive(flag: string, given: number | undefined, otherwise: number): number {
  if (given === undefined || given > 0) return given ?? otherwise;
  throw new UsageError(`--${flag} is ${given}; wanted a number above 0, e.g. ${otherwise}`);
}

const parsedAlphas = (flag: string, given: string | undefined, otherwise: readonly number[]): readonly number[] =>
  given === undefined ? otherwise : parseAlphas(flag, given);
