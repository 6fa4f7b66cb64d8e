import { fields } from '@codiff/ldm-core';
import { z } from 'zod';
import { pictureArguments } from './picture-arguments.js';

const { count, flag, ignored, number, text, whole } = fields;

/** `main.ImageLogger`: when and how images of a run are written (original, 3 and 19.8). */
export const ImageLoggerConfig = z.strictObject({
  /** In optimizer steps (with `logOnBatchIdx`: in batches). */
  batchFrequency: count(),
  /** At most so many a key; 0: never. */
  maxImages: whole(0),
  /** Cut off what lies outside -1..1. */
  clamp: flag().default(true),
  /** Also at the powers of two below the frequency, each once. */
  increaseLogSteps: flag().default(true),
  /** Map -1..1 to 0..1 in PNG files. */
  rescale: flag().default(true),
  disabled: flag().default(false),
  logOnBatchIdx: flag().default(false),
  logFirstStep: flag().default(false),
  /** Arguments of `log_images`, by its own names. */
  logImagesKwargs: pictureArguments()
    .nullable()
    .default(null)
    .transform((kwargs) => kwargs ?? {}),
});

/** {@link ImageLoggerConfig} with its defaults applied. */
export type ImageLoggerConfig = z.output<typeof ImageLoggerConfig>;

const filledIn = () => ignored('filled in by the training command');

/** `main.SetupCallback`: makes the folders of a run. */
export const SetupCallbackConfig = z.strictObject({
  resume: filledIn(),
  now: filledIn(),
  logdir: filledIn(),
  ckptdir: filledIn(),
  cfgdir: filledIn(),
  config: filledIn(),
  lightningConfig: filledIn(),
});

/** {@link SetupCallbackConfig}. */
export type SetupCallbackConfig = z.output<typeof SetupCallbackConfig>;

/** `main.LearningRateMonitor`: logs learning rates. */
export const LearningRateMonitorConfig = z.strictObject({
  /** `epoch`: with the first logged step of each epoch only; null: both, which is every step. */
  loggingInterval: fields.oneOf(['step', 'epoch']).nullable().default(null),
});

/** {@link LearningRateMonitorConfig} with its defaults applied. */
export type LearningRateMonitorConfig = z.output<typeof LearningRateMonitorConfig>;

/** `main.CUDACallback`: reports time and peak memory of an epoch. */
export const CudaCallbackConfig = z.strictObject({});

/** {@link CudaCallbackConfig}. */
export type CudaCallbackConfig = z.output<typeof CudaCallbackConfig>;

/** Lightning's `ModelCheckpoint`: which checkpoints a run writes and keeps. */
export const ModelCheckpointConfig = z.strictObject({
  dirpath: text().nullable().default(null),
  /** With `{epoch:06}` and the like. */
  filename: text().nullable().default(null),
  /** Metric that ranks checkpoints; null: no ranking. */
  monitor: text().nullable().default(null),
  verbose: flag().default(false),
  saveLast: flag().nullable().default(null),
  /** -1: all. */
  saveTopK: whole(-1).nullable().default(null),
  saveWeightsOnly: flag().default(false),
  mode: fields.oneOf(['min', 'max']).default('min'),
  everyNTrainSteps: whole(0).nullable().default(null),
  everyNEpochs: whole(0).nullable().default(null),
});

/** {@link ModelCheckpointConfig} with its defaults applied. */
export type ModelCheckpointConfig = z.output<typeof ModelCheckpointConfig>;

/** Lightning's `TestTubeLogger`: where scalars are logged. */
export const TestTubeLoggerConfig = z.strictObject({
  name: text().default('testtube'),
  saveDir: text().nullable().default(null),
  description: text().nullable().default(null),
  debug: flag().default(false),
  version: number().nullable().default(null),
});

/** {@link TestTubeLoggerConfig} with its defaults applied. */
export type TestTubeLoggerConfig = z.output<typeof TestTubeLoggerConfig>;
