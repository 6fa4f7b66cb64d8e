import { type ConfigTree, isTree, parseConfig, type ResolvedConfig } from '@codiff/ldm-core';
import { ImageLoggerConfig, LearningRateMonitorConfig, ModelCheckpointConfig } from '../config/callback-configs.js';
import { dataCacheOf } from '../config/training-file.js';
import { dataModuleOf } from '../data/data-module.js';
import type { FaceDatasetOptions } from '../data/face-dataset.js';
import { TrainError } from '../train-error.js';
import { type BatchLimit, batchLimitOf, maxTimeOf, precisionOf, type TrainPrecision } from './trainer-options.js';

/** What the sections beside the model say about a run. */
export interface RunSettings {
  readonly batchSize: number;
  /** null: twice the batch size. */
  readonly numWorkers: number | null;
  readonly train: FaceDatasetOptions;
  readonly validation: FaceDatasetOptions | null;
  readonly shuffleValidation: boolean;
  readonly accumulate: number;
  readonly maxEpochs: number;
  readonly maxSteps: number | null;
  readonly clipNorm: number | null;
  /** Seconds; null: no limit. */
  readonly maxSeconds: number | null;
  readonly precision: TrainPrecision;
  /** Epochs between validations. */
  readonly validateEvery: number;
  /** Validation batches tried before the first step. */
  readonly sanityBatches: number;
  readonly limitTrain: BatchLimit | null;
  readonly limitValidation: BatchLimit | null;
  /** Where latents are kept; null: nowhere. */
  readonly cache: { readonly folder: string; readonly maxBytes: number } | null;
  /** Data that a finished run is tested on; null: none. */
  readonly test: FaceDatasetOptions | null;
  readonly shuffleTest: boolean;
  /** Data that is looked at and counted as the original does, and used by nothing; null: none. */
  readonly predict: FaceDatasetOptions | null;
  /** Base learning rates by group, in order; null: one for all. */
  readonly rateRules: readonly RateRule[] | null;
  readonly logEvery: number;
  /** Learning rates are logged with every step that is, or with the first of each epoch. */
  readonly logRates: 'step' | 'epoch';
  readonly checkpoint: ModelCheckpointConfig;
  /** Of the folder of event files; null: the next one. */
  readonly logVersion: number | null;
  /** null: no pictures. */
  readonly imageLogger: ImageLoggerConfig | null;
  /** Steps between checkpoints of weights alone; null: none. */
  readonly saveWeightsEvery: number | null;
  /** Options of the original's trainer and callbacks that the config sets and that change nothing here, by their paths. */
  readonly unapplied: readonly string[];
}

/** The base learning rate of the weights whose key matches; null freezes them. */
export interface RateRule {
  readonly match: RegExp;
  readonly lr: number | null;
}

/** Options under `lightning.trainer` that are followed (`gpus` by the command), and one that changes no value. */
const APPLIED = [
  'accumulate_grad_batches',
  'benchmark',
  'check_val_every_n_epoch',
  'gpus',
  'gradient_clip_val',
  'limit_train_batches',
  'limit_val_batches',
  'log_every_n_steps',
  'max_epochs',
  'max_steps',
  'max_time',
  'num_sanity_val_steps',
  'precision',
];

/** Limits and defaults of the original's trainer. */
const DEFAULTS = { maxEpochs: 1000, logEvery: 50, keepBest: 10, sanityBatches: 2 } as const;

/** Read them. @param config checked, with the original's defaults under `lightning` @throws Error without training data */
export function runSettings({ data, lightning }: ResolvedConfig): RunSettings {
  const { batchSize, numWorkers, train, validation, shuffleValidation, test, shuffleTest, predict } = dataModuleOf(
    data ?? {},
  );
  if (train === undefined) throw new TrainError('train: data.params.train is missing, so there is nothing to train on');
  const { cacheLatents, cacheFolder, cacheGib } = dataCacheOf(data ?? {});
  const trainer = section(lightning, 'trainer');
  const callbacks = section(lightning, 'callbacks');
  const checkpoint = { ...section(callbacks, 'checkpoint_callback') };
  const given = section(lightning, 'modelcheckpoint');
  const params = { ...section(checkpoint, 'params'), ...section(given, 'params') };
  const rates = parseConfig(LearningRateMonitorConfig, {
    target: 'learning_rate_logger',
    params: section(section(callbacks, 'learning_rate_logger'), 'params'),
  });
  const steps = callbacks.metrics_over_trainsteps_checkpoint;
  return {
    batchSize,
    numWorkers,
    train,
    validation: validation ?? null,
    shuffleValidation,
    accumulate: number(trainer.accumulate_grad_batches) ?? 1,
    maxEpochs: number(trainer.max_epochs) ?? DEFAULTS.maxEpochs,
    maxSteps: positive(number(trainer.max_steps)),
    clipNorm: positive(number(trainer.gradient_clip_val)),
    maxSeconds: maxTimeOf(trainer.max_time),
    precision: precisionOf(trainer.precision),
    validateEvery: number(trainer.check_val_every_n_epoch) ?? 1,
    // -1: all of them.
    sanityBatches: sanityBatches(number(trainer.num_sanity_val_steps)),
    limitTrain: batchLimitOf(trainer, 'limit_train_batches'),
    limitValidation: batchLimitOf(trainer, 'limit_val_batches'),
    cache: cacheLatents ? { folder: cacheFolder, maxBytes: cacheGib * 2 ** 30 } : null,
    test: test ?? null,
    shuffleTest,
    predict: predict ?? null,
    rateRules: rateRules(lightning?.learning_rates),
    logEvery: number(trainer.log_every_n_steps) ?? DEFAULTS.logEvery,
    logRates: rates.loggingInterval === 'epoch' ? 'epoch' : 'step',
    checkpoint: parseConfig(ModelCheckpointConfig, { target: 'checkpoint', params }),
    logVersion: number(section(section(lightning, 'logger'), 'params').version),
    imageLogger: isTree(callbacks.image_logger)
      ? parseConfig(ImageLoggerConfig, {
          target: 'image_logger',
          params: section(section(callbacks, 'image_logger'), 'params'),
        })
      : null,
    saveWeightsEvery: isTree(steps) ? positive(number(section(steps, 'params').every_n_train_steps)) : null,
    unapplied: [
      ...Object.keys(trainer)
        .filter((option) => trainer[option] !== null && !APPLIED.includes(option))
        .map((option) => `lightning.trainer.${option}`),
      ...otherThan(params, { ...EPOCHS, monitor: ANY, mode: ANY, save_top_k: ANY }, 'lightning.modelcheckpoint'),
      ...otherThan(
        section(section(callbacks, 'metrics_over_trainsteps_checkpoint'), 'params'),
        { ...TRAIN_STEPS, every_n_train_steps: ANY },
        'lightning.callbacks.metrics_over_trainsteps_checkpoint',
      ),
      ...otherThan(
        section(section(lightning, 'logger'), 'params'),
        { name: 'testtube', version: ANY },
        'lightning.logger',
      ),
    ],
  };
}

/** Stands for values that a run follows. */
const ANY = Symbol('any');
/** What checkpoints are like here, by the fields of the original's callback: of epochs, and of every so many steps. */
const EPOCHS = { filename: '{epoch:06}', verbose: ANY, save_last: true, save_weights_only: false, every_n_epochs: 1 };
const TRAIN_STEPS = { filename: '{epoch:06}-{step:09}', verbose: ANY, save_top_k: -1, save_weights_only: true };

/** Fields that ask for something else than what is done. */
const otherThan = (params: ConfigTree, done: Readonly<Record<string, unknown>>, section: string): string[] =>
  Object.entries(params)
    .filter(([field, value]) => value !== null && done[field] !== ANY && done[field] !== value)
    .map(([field]) => `${section}.params.${field}`);

/** How many checkpoints a run keeps for their score. */
export const keptBest = ({ saveTopK }: ModelCheckpointConfig): number => saveTopK ?? DEFAULTS.keepBest;

const sanityBatches = (given: number | null): number => {
  if (given === null) return DEFAULTS.sanityBatches;
  return given < 0 ? Number.MAX_SAFE_INTEGER : given;
};

function rateRules(given: unknown): RateRule[] | null {
  if (!Array.isArray(given)) return null;
  return (given as { match: string; lr: number | null }[]).map(({ match, lr }) => ({ match: new RegExp(match), lr }));
}

function section(tree: ConfigTree | undefined, name: string): ConfigTree {
  const value = tree?.[name];
  return isTree(value) ? value : {};
}

const number = (value: unknown): number | null => (typeof value === 'number' ? value : null);
const positive = (value: number | null): number | null => (value !== null && value > 0 ? value : null);
