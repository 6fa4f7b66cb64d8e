import { type ConfigTree, checkConfig, configFileFields, fields, type ResolvedConfig } from '@codiff/ldm-core';
import { z } from 'zod';
import { LightningConfig, withLightningDefaults } from './lightning-config.js';
import { trainerRegistry } from './targets.js';

/** A whole config file, every section checked: `{model, data, lightning}`. */
export const TrainingFile = z.strictObject({
  ...configFileFields,
  data: fields.target('dataModule'),
  lightning: LightningConfig.optional(),
});

/**
 * Checks a config for training: the model, its data, callbacks and trainer options.
 * @returns the config with the original's defaults under its `lightning` section
 * @throws ConfigError listing every problem
 */
export const checkTrainingConfig = (tree: ConfigTree): ResolvedConfig =>
  checkConfig(withLightningDefaults(tree), trainerRegistry, TrainingFile);
