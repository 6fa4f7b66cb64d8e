import { codiffRegistry, LatentDiffusionCompose } from '@codiff/codiff';
import {
  AutoencoderConfig,
  type AutoencoderKL,
  BERTEmbedder,
  buildModel,
  ConfigError,
  LatentDiffusion,
  LPIPSWithDiscriminator,
  type ParamSpec,
  type Params,
  parseConfig,
  type ResolvedConfig,
  roles,
  Scope,
  type StartingPoint,
  TARGETS,
  type TargetConfig,
  type UpdateRule,
} from '@codiff/ldm-core';
import type { ReadTokens } from '../images/condition-pictures.js';
import { composePictures, latentDiffusionPictures } from '../images/model-pictures.js';
import { pictureOptions } from '../images/picture-options.js';
import type { MakePictures } from '../images/pictures.js';
import { vaePictures } from '../images/vae-pictures.js';
import { type FrozenEncoder, frozenEncoder } from '../latents/encode-samples.js';
import type { BatchSource } from '../loop/batch-source.js';
import { composeTraining } from '../steps/compose-training.js';
import type { Compile } from '../steps/consume.js';
import { latentDiffusionTraining } from '../steps/latent-diffusion-training.js';
import type { Training, UpdateOptions } from '../steps/train-state.js';
import { vaeTraining } from '../steps/vae-training.js';
import { TrainError } from '../train-error.js';
import type { Tokenize } from './face-source.js';
import { type MeasuredScale, measureScale } from './measure-scale.js';
import { perceptualFiles } from './perceptual-files.js';
import { checkRateGroups, namedRates } from './rate-groups.js';

/** How the model of a config is trained. */
export interface BuiltTraining {
  readonly training: Training;
  readonly specs: ReadonlyMap<string, ParamSpec>;
  readonly startingPoints: readonly StartingPoint[];
  /** Value that ranks checkpoints, by the model's config. */
  readonly monitor: string | null;
  /** Learning rates by the original's log names. */
  readonly rates: Readonly<Record<string, number>>;
  /** Factor of the rates by step, where the config has a schedule. */
  readonly lrFactor?: (step: number) => number;
  /** Length that captions are tokenized to; null: the model reads none. */
  readonly captionLength: number | null;
  /** What makes pictures of the model at work, as `log_images` of the original does. @throws Error for wrong arguments */
  readonly pictures: (setup: PictureSetup) => MakePictures;
  /** What makes the frozen networks' share of samples, to be kept on disk; absent: the model trains on images. */
  readonly frozen?: (
    p: Params,
    setup: { readonly tokenize: Tokenize; readonly compile: Compile },
  ) => Promise<FrozenEncoder>;
  /** The scale that the first batches decide; absent: the config gives it. */
  readonly measure?: (p: Params, source: BatchSource, seed: number) => Promise<MeasuredScale>;
}

/** How pictures are made. */
export interface PictureSetup {
  /** `log_images_kwargs`. */
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly compile: Compile;
  readonly readTokens: ReadTokens | null;
}

/**
 * Build what a config trains: an autoencoder, a latent diffusion model of one condition, or a collaborative model.
 * @param config checked @param lr learning rate of the run
 * @throws ConfigError; Error for a model that cannot be trained
 */
export function buildTraining(
  config: ResolvedConfig,
  lr: number,
  options: UpdateOptions & { readonly rules?: readonly UpdateRule[]; readonly branches?: number | undefined },
): BuiltTraining {
  const { rules = [] } = options;
  const check = (trains: (key: string) => boolean): void => {
    if (rules.length > 0) checkRateGroups(specs, trains, rules);
  };
  const { model, specs, startingPoints } = buildModel(config, roles.model, codiffRegistry);
  if (model instanceof LatentDiffusion || model instanceof LatentDiffusionCompose) {
    check((key) => model.isTrained(key));
    const { monitor, schedulerConfig, scaleByStd, scaleFactor } = model.config;
    const training =
      model instanceof LatentDiffusion
        ? latentDiffusionTraining(model, specs, { lr, ...options })
        : composeTraining(model, specs, { lr, ...options });
    if (model instanceof LatentDiffusionCompose) checkConditionsKey(model.config.condStageKey);
    const measure: BuiltTraining['measure'] = (p, source, seed) => measureScale(model, p, source, seed);
    return {
      training,
      specs,
      startingPoints,
      monitor,
      rates: namedRates('lr-AdamW', lr, rules),
      captionLength: captionLengthOf(model),
      frozen: (p, setup) => frozenEncoder(model, p, config, setup),
      pictures: ({ kwargs, ...setup }) =>
        model instanceof LatentDiffusion
          ? latentDiffusionPictures(model, { ...setup, options: pictureOptions(kwargs, false) })
          : composePictures(model, { ...setup, options: pictureOptions(kwargs, true) }),
      ...(scaleByStd || scaleFactor === 'auto' ? { measure } : {}),
      ...scheduleOf(schedulerConfig),
    };
  }
  const parsed = config.model.target === TARGETS.autoencoder ? parseConfig(AutoencoderConfig, config.model) : null;
  if (parsed === null || !hasGanLoss(model)) {
    throw new TrainError(
      `train: '${config.model.target}' with this lossconfig cannot be trained; wanted an autoencoder with ${TARGETS.vaeLoss}, ${TARGETS.latentDiffusion}, or a collaborative model`,
    );
  }
  check((key) => !key.startsWith('loss.') || key.startsWith('loss.discriminator.'));
  return {
    training: vaeTraining(model, specs, parsed, { lr, ...options }),
    specs,
    startingPoints: [...perceptualFiles(model.loss), ...startingPoints],
    monitor: parsed.monitor,
    rates: { ...namedRates('lr-Adam', lr, rules), ...namedRates('lr-Adam-1', lr, rules) },
    captionLength: null,
    pictures: ({ kwargs, compile }) => vaePictures(model, parsed.imageKey, pictureOptions(kwargs, false), compile),
    ...scheduleOf(parsed.schedulerConfig),
  };
}

function scheduleOf(config: TargetConfig | null): Pick<BuiltTraining, 'lrFactor'> {
  return config ? { lrFactor: codiffRegistry.build(config, roles.lrSchedule, Scope.root(), {}) } : {};
}

/** What a batch keeps its conditions under where there are several: no other key has them (original, section 7). */
const CONDITIONS_KEY = 'conditions';

function checkConditionsKey(key: string): void {
  if (key === CONDITIONS_KEY) return;
  throw new ConfigError([
    {
      path: 'model.params.cond_stage_key',
      message: `a batch has the conditions of a collaborative model under '${CONDITIONS_KEY}', not '${key}'`,
      suggestion: `set cond_stage_key: ${CONDITIONS_KEY}`,
    },
  ]);
}

function hasGanLoss(model: unknown): model is AutoencoderKL<LPIPSWithDiscriminator> {
  return typeof model === 'object' && model !== null && 'loss' in model && model.loss instanceof LPIPSWithDiscriminator;
}

function captionLengthOf(model: LatentDiffusion | LatentDiffusionCompose): number | null {
  const encoder = model instanceof LatentDiffusion ? model.condStage : model.condStage.encoder('text');
  if (!(encoder instanceof BERTEmbedder)) return null;
  if (encoder.config.useTokenizer) return encoder.config.maxSeqLen;
  throw new TrainError(
    'train: use_tokenizer is false, so the encoder takes ids, and data sets hold captions; set it to true',
  );
}
