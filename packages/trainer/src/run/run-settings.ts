import { type ConfigTree, isTree, parseConfig, type ResolvedConfig } from '@codiff/ldm-core';
import { ImageLoggerConfig, ModelCheckpointConfig } from '../config/callback-configs.js';
import { dataModuleOf } from '../data/data-module.js';
import type { FaceDatasetOptions } from '../data/face-dataset.js';
import { TrainError } from '../train-error.js';

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
  readonly logEvery: number;
  readonly checkpoint: ModelCheckpointConfig;
  /** null: no pictures. */
  readonly imageLogger: ImageLoggerConfig | null;
  /** Steps between checkpoints of weights alone; null: none. */
  readonly saveWeightsEvery: number | null;
  /** Options of the original's trainer that the config sets and this one does not have. */
  readonly unapplied: readonly string[];
}

/** Options under `lightning.trainer` that are followed, and one that changes no value. */
const APPLIED = [
  'accumulate_grad_batches',
  'benchmark',
  'gradient_clip_val',
  'log_every_n_steps',
  'max_epochs',
  'max_steps',
];

/** Limits and defaults of the original's trainer. */
const DEFAULTS = { maxEpochs: 1000, logEvery: 50, keepBest: 10 } as const;

/** Read them. @param config checked, with the original's defaults under `lightning` @throws Error without training data */
export function runSettings({ data, lightning }: ResolvedConfig): RunSettings {
  const { batchSize, numWorkers, train, validation, shuffleValidation } = dataModuleOf(data ?? {});
  if (train === undefined) throw new TrainError('train: data.params.train is missing, so there is nothing to train on');
  const trainer = section(lightning, 'trainer');
  const callbacks = section(lightning, 'callbacks');
  const checkpoint = { ...section(callbacks, 'checkpoint_callback') };
  const given = section(lightning, 'modelcheckpoint');
  const params = { ...section(checkpoint, 'params'), ...section(given, 'params') };
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
    logEvery: number(trainer.log_every_n_steps) ?? DEFAULTS.logEvery,
    checkpoint: parseConfig(ModelCheckpointConfig, { target: 'checkpoint', params }),
    imageLogger: isTree(callbacks.image_logger)
      ? parseConfig(ImageLoggerConfig, {
          target: 'image_logger',
          params: section(section(callbacks, 'image_logger'), 'params'),
        })
      : null,
    saveWeightsEvery: isTree(steps) ? positive(number(section(steps, 'params').every_n_train_steps)) : null,
    unapplied: Object.keys(trainer).filter((option) => trainer[option] !== null && !APPLIED.includes(option)),
  };
}

/** How many checkpoints a run keeps for their score. */
export const keptBest = ({ saveTopK }: ModelCheckpointConfig): number => saveTopK ?? DEFAULTS.keepBest;

function section(tree: ConfigTree | undefined, name: string): ConfigTree {
  const value = tree?.[name];
  return isTree(value) ? value : {};
}

const number = (value: unknown): number | null => (typeof value === 'number' ? value : null);
const positive = (value: number | null): number | null => (value !== null && value > 0 ? value : null);
