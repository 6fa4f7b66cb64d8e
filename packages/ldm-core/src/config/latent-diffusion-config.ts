import { z } from 'zod';
import {
  count,
  flag,
  fraction,
  ignored,
  note,
  number,
  oneOf,
  only,
  type TargetConfig,
  target,
  text,
  whole,
} from './fields.js';
import { type Finding, type Rule, ruleOf, withRules } from './rules.js';
import { isTree } from './tree.js';

/** Strings that may stand for a condition encoder: the VAE itself, or none at all. */
export const IS_FIRST_STAGE = '__is_first_stage__';
/** See {@link IS_FIRST_STAGE}. */
export const IS_UNCONDITIONAL = '__is_unconditional__';

/** A condition encoder: a target, the VAE, or none. */
export type CondStage = TargetConfig | typeof IS_FIRST_STAGE | typeof IS_UNCONDITIONAL;

const condStage = note(
  z.custom<CondStage>((value) => value === IS_FIRST_STAGE || value === IS_UNCONDITIONAL || isTree(value), {
    error: `wanted a mapping {target, params}, or ${IS_FIRST_STAGE} or ${IS_UNCONDITIONAL}`,
  }),
  { role: 'condStage' },
);

/** What {@link LatentDiffusionConfig} shares with models built on it, by argument. */
export const diffusionFields = {
  timesteps: whole(2),
  numTimestepsCond: count()
    .nullable()
    .default(null)
    .transform((n) => n ?? 1),
  /** Batch key of the condition. */
  condStageKey: text().default('image'),
  condStageTrainable: flag().default(false),
  /** The encoder's method to call; null: `encode`. */
  condStageForward: oneOf(['encode', 'forward']).nullable().default(null),
  /** `auto` (ours): measured on the first batches of a run, and stored as a buffer. */
  scaleFactor: z.union([z.number(), z.literal('auto')], { error: 'wanted a number, or auto' }).default(1),
  scaleByStd: flag().default(false),
  ckptPath: text().nullable().default(null),
  ignoreKeys: z.array(text(), { error: 'wanted a list of key prefixes' }).default([]),
  loadOnlyUnet: ignored('ckpt_path never reaches the code that reads it'),
  betaSchedule: oneOf(['linear', 'cosine', 'sqrt_linear', 'sqrt']).default('linear'),
  linearStart: number().default(1e-4),
  linearEnd: number().default(2e-2),
  cosineS: number().default(8e-3),
  givenBetas: only(null, 'a list in a file is not the array that is asked for').default(null),
  vPosterior: fraction().default(0),
  originalElboWeight: number().default(0),
  lSimpleWeight: number().default(1),
  lossType: oneOf(['l1', 'l2']).default('l2'),
  parameterization: oneOf(['eps', 'x0']).default('eps'),
  learnLogvar: flag().default(false),
  logvarInit: number().default(0),
  useEma: flag().default(true),
  /** Metric that ranks the best 10 checkpoints; null: no ranking. */
  monitor: text().nullable().default('val/loss'),
  /** Batch key of the image. */
  firstStageKey: text().default('image'),
  /** Side of the latent in image logs. */
  imageSize: count().default(256),
  channels: count().default(3),
  /** Spacing, in steps, of diffusion and progressive rows. */
  logEveryT: count().default(100),
  clipDenoised: ignored('latent models never clip'),
  schedulerConfig: note(target('lrSchedule').nullable().default(null), { role: 'lrSchedule' }),
  usePositionalEncodings: only(false, 'its helper is missing').default(false),
};

const fields = z.strictObject({
  ...diffusionFields,
  firstStageConfig: target('firstStage'),
  unetConfig: target('unet'),
  condStageConfig: condStage,
  conditioningKey: oneOf(['concat', 'crossattn', 'hybrid', 'adm']).nullable().default(null),
  concatMode: flag().default(true),
});

const sharedFields = z.strictObject(diffusionFields);
type Shared = z.output<typeof sharedFields>;
const sharedRule = ruleOf<Shared>();

/** Rules on {@link diffusionFields}. */
export const diffusionRules: readonly Rule<Shared>[] = [
  sharedRule(['timesteps', 'numTimestepsCond'], function* ({ timesteps, numTimestepsCond }) {
    if (numTimestepsCond <= timesteps) return;
    yield {
      path: ['numTimestepsCond'],
      message: `${numTimestepsCond} noise levels of the condition do not fit in ${timesteps} timesteps`,
      suggestion: `use at most ${timesteps}`,
    };
  }),
  sharedRule(['scaleByStd', 'scaleFactor'], function* ({ scaleByStd, scaleFactor }) {
    if (!scaleByStd || scaleFactor === 1) return;
    yield {
      path: ['scaleFactor'],
      message: `scale_by_std measures the factor, and scale_factor already gives ${scaleFactor}`,
      suggestion: 'remove one of the two',
    };
  }),
  sharedRule(['betaSchedule', 'linearStart', 'linearEnd'], function* ({ betaSchedule, linearStart, linearEnd }) {
    if (betaSchedule === 'cosine') return;
    for (const [field, beta] of Object.entries({ linearStart, linearEnd })) {
      if (beta > 0 && beta < 1) continue;
      yield { path: [field], message: `a variance of noise of ${beta}`, suggestion: 'use a number between 0 and 1' };
    }
  }),
];

const rule = ruleOf<z.output<typeof fields>>();

/** `ldm.models.diffusion.ddpm.LatentDiffusion`: arguments, defaults and what they may be (original, 19.1). */
export const LatentDiffusionConfig = withRules(
  fields,
  ...diffusionRules,
  rule(
    ['condStageConfig', 'condStageTrainable'],
    function* ({ condStageConfig, condStageTrainable }): Generator<Finding> {
      if (typeof condStageConfig !== 'string' || !condStageTrainable) return;
      yield {
        path: ['condStageTrainable'],
        message: `cond_stage_config is ${condStageConfig}, so there is no encoder to train`,
        suggestion: 'set cond_stage_trainable: false',
      };
    },
  ),
  rule(['condStageConfig', 'condStageForward'], function* ({ condStageConfig, condStageForward }): Generator<Finding> {
    if (condStageConfig !== IS_FIRST_STAGE || condStageForward === null) return;
    yield {
      path: ['condStageForward'],
      message: `the autoencoder's '${condStageForward}' gives no condition`,
      suggestion: 'remove cond_stage_forward',
    };
  }),
);

/** {@link LatentDiffusionConfig} with its defaults applied. */
export type LatentDiffusionConfig = z.output<typeof LatentDiffusionConfig>;

/**
 * The conditioning in force: none without an encoder; else the key; else what `concat_mode` says.
 */
export function conditioningOf(
  config: Pick<LatentDiffusionConfig, 'condStageConfig' | 'conditioningKey' | 'concatMode'>,
): 'concat' | 'crossattn' | 'hybrid' | 'adm' | null {
  if (config.condStageConfig === IS_UNCONDITIONAL) return null;
  return config.conditioningKey ?? (config.concatMode ? 'concat' : 'crossattn');
}
