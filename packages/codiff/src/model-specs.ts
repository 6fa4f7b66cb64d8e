import { buildModel, type ParamSpec, type ResolvedConfig, roles } from '@codiff/ldm-core';
import { codiffRegistry } from './config/targets.js';

/**
 * Everything that the model of a config stores, by checkpoint key; no tensor is allocated.
 * @param config checked, with the files it names
 * @throws ConfigError if a part does not fit its place
 */
export function specsOf(config: ResolvedConfig): ReadonlyMap<string, ParamSpec> {
  return buildModel(config, roles.model, codiffRegistry).specs;
}
