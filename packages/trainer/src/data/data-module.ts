import { type ConfigTree, isTree, parseConfig, type TargetConfig } from '@codiff/ldm-core';
import { DataModuleConfig, DatasetConfig, PreprocessorConfig } from '../config/data-configs.js';
import type { FaceDatasetOptions } from './face-dataset.js';

/** The data sets of a run and how they are read: `main.DataModuleFromConfig` of the original (19.8). */
export interface DataModule {
  readonly batchSize: number;
  /** The config's `num_workers`; null where it leaves it open. */
  readonly numWorkers: number | null;
  readonly train: FaceDatasetOptions | undefined;
  readonly validation: FaceDatasetOptions | undefined;
  readonly test: FaceDatasetOptions | undefined;
  readonly predict: FaceDatasetOptions | undefined;
  readonly shuffleValidation: boolean;
  readonly shuffleTest: boolean;
}

/**
 * The data sets of a config that has been checked.
 * @param data its `data` section: `{target: main.DataModuleFromConfig, params}`
 * @throws ConfigError listing what is wrong with it
 */
export function dataModuleOf(data: ConfigTree): DataModule {
  const config = parseConfig(DataModuleConfig, targetOf(data));
  const datasetOf = (node: TargetConfig | null) => (node === null ? undefined : faceDatasetOf(node));
  return {
    batchSize: config.batchSize,
    numWorkers: config.numWorkers,
    train: datasetOf(config.train),
    validation: datasetOf(config.validation),
    test: datasetOf(config.test),
    predict: datasetOf(config.predict),
    shuffleValidation: config.shuffleValDataloader,
    shuffleTest: config.shuffleTestLoader,
  };
}

/** A data set's config with its preprocessor's, defaults applied. @throws ConfigError */
export function faceDatasetOf(node: TargetConfig): FaceDatasetOptions {
  const { imPreprocessorConfig, ...dataset } = parseConfig(DatasetConfig, node);
  return { dataset, preprocessor: parseConfig(PreprocessorConfig, imPreprocessorConfig) };
}

function targetOf({ target, params }: ConfigTree): TargetConfig {
  return { target: String(target), ...(isTree(params) ? { params } : {}) };
}
