import { codiffRegistry } from '@codiff/codiff';
import { defineRole, describeTarget, type Registry } from '@codiff/ldm-core';
import {
  CudaCallbackConfig,
  ImageLoggerConfig,
  LearningRateMonitorConfig,
  ModelCheckpointConfig,
  SetupCallbackConfig,
  TestTubeLoggerConfig,
} from './callback-configs.js';
import { DataModuleConfig, DatasetConfig, PreprocessorConfig } from './data-configs.js';

/** What the parts of a training run do for it. The names are those that the schemas ask for. */
export const trainerRoles = {
  /** Gives the loaders of a run. */
  dataModule: defineRole<unknown>('dataModule'),
  /** Gives single items. */
  dataset: defineRole<unknown>('dataset'),
  /** Crops and resizes an image. */
  preprocessor: defineRole<unknown>('preprocessor'),
  /** Acts at points of the training loop. */
  callback: defineRole<unknown>('callback'),
  /** Takes scalars. */
  logger: defineRole<unknown>('logger'),
};

const { callback, dataModule, dataset, logger, preprocessor } = trainerRoles;

/** Every target that a whole config file may name. */
export const trainerRegistry: Registry = codiffRegistry.extend([
  describeTarget('main.DataModuleFromConfig', DataModuleConfig, [dataModule]),
  describeTarget('ldm.data.celebahq.CelebAConditionalDataset', DatasetConfig, [dataset]),
  describeTarget('ldm.data.celebahq.DalleTransformerPreprocessor', PreprocessorConfig, [preprocessor]),
  describeTarget('main.ImageLogger', ImageLoggerConfig, [callback]),
  describeTarget('main.SetupCallback', SetupCallbackConfig, [callback]),
  describeTarget('main.LearningRateMonitor', LearningRateMonitorConfig, [callback]),
  describeTarget('main.CUDACallback', CudaCallbackConfig, [callback]),
  describeTarget('pytorch_lightning.callbacks.ModelCheckpoint', ModelCheckpointConfig, [callback]),
  describeTarget('pytorch_lightning.loggers.TestTubeLogger', TestTubeLoggerConfig, [logger]),
]);
