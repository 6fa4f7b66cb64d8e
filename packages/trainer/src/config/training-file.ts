import {
  type ConfigTree,
  checkConfig,
  configFileFields,
  fields,
  parseConfig,
  type ResolvedConfig,
} from '@codiff/ldm-core';
import { z } from 'zod';
import { LightningConfig, withLightningDefaults } from './lightning-config.js';
import { trainerRegistry } from './targets.js';

const besideData = z.strictObject({
  /** Ours: keep what frozen networks make of the data on disk. */
  cacheLatents: fields.flag().default(false),
  /** Where. */
  cacheFolder: fields.text().default('.cache/latents'),
  /** Most that the folder may hold, GiB. */
  cacheGib: fields.number().default(20),
});

/** Read what stands beside the data module in a config that was checked. */
export const dataCacheOf = (data: ConfigTree): z.output<typeof besideData> => {
  const { target: _, params: __, ...beside } = data;
  return parseConfig(besideData, { target: 'data', params: beside });
};

/** A whole config file, every section checked: `{model, data, lightning}`. */
export const TrainingFile = z.strictObject({
  ...configFileFields,
  data: fields.target('dataModule', besideData),
  lightning: LightningConfig.optional(),
});

/**
 * Checks a config for training: the model, its data, callbacks and trainer options.
 * @returns the config with the original's defaults under its `lightning` section
 * @throws ConfigError listing every problem
 */
export const checkTrainingConfig = (tree: ConfigTree): ResolvedConfig =>
  checkConfig(withLightningDefaults(tree), trainerRegistry, TrainingFile);
