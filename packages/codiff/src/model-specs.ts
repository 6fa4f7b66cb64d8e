import {
  ConfigError,
  LatentDiffusion,
  makeSchedule,
  type ParamSpec,
  parseObject,
  type ResolvedConfig,
  roles,
  Scope,
  scheduleBuffers,
  type TargetConfig,
} from '@codiff/ldm-core';
import type { z } from 'zod';
import { ComposeUNetConfig } from './config/compose-unet-config.js';
import type { Condition } from './config/conditions.js';
import { branchField, LatentDiffusionComposeConfig } from './config/latent-diffusion-compose-config.js';
import { COMPOSE_TARGETS } from './config/target-ids.js';
import { codiffRegistry } from './config/targets.js';

/**
 * Everything that the model of a config stores, by checkpoint key; no tensor is allocated.
 * @param config checked, with the files it names
 * @throws ConfigError if a part does not fit its place
 */
export function specsOf({ model, model_files: files = {} }: ResolvedConfig): ReadonlyMap<string, ParamSpec> {
  const scope = Scope.root();
  const { target, params } = model;
  if (target === COMPOSE_TARGETS.latentDiffusionCompose) declareCompose({ target, params }, files, scope);
  else codiffRegistry.build({ target, params }, roles.model, scope, { files });
  return scope.specs;
}

/**
 * Where a collaborative model keeps its parts (original, 5.5): the schedule, a dynamic diffuser and a UNet for each
 * modality, the text branch's first stage, and the branches' encoders.
 */
function declareCompose(node: TargetConfig, files: Readonly<Record<string, unknown>>, scope: Scope): void {
  const config = parsed(LatentDiffusionComposeConfig, node);
  const compose = parsed(ComposeUNetConfig, config.composeUnetConfig);
  for (const [name, values] of scheduleBuffers(makeSchedule({ ...config, givenBetas: undefined }))) {
    if (name !== 'lvlb_weights') scope.buffer(name, [values.length], { kind: 'values', values });
  }
  for (const condition of config.conditions) {
    const predictor = scope.at(`model.${condition}_confidence_predictor.diffusion_model`);
    codiffRegistry.build(compose.confidenceMapPredictorConfig, roles.unet, predictor, { files });
  }
  for (const condition of config.conditions) {
    const branch = branchSpecs(config, condition, files);
    for (const spec of branch.values()) {
      const key = composedKey(spec.key, condition);
      if (key !== undefined) declare(scope, { ...spec, key });
    }
  }
}

/** What one branch's own checkpoint would hold. */
function branchSpecs(
  config: LatentDiffusionComposeConfig,
  condition: Condition,
  files: Readonly<Record<string, unknown>>,
): ReadonlyMap<string, ParamSpec> {
  const name = config[branchField[condition]];
  const file = name === null ? undefined : (files[name] as { readonly model: TargetConfig } | undefined);
  if (file === undefined) throw new Error(`the config of the branch '${condition}' (${name}) was not given along`);
  const scope = Scope.root();
  const { target, params } = file.model;
  const model = codiffRegistry.build({ target, params }, roles.branch, scope, { files });
  if (!(model instanceof LatentDiffusion)) throw new Error(`the branch '${condition}' is no latent diffusion model`);
  return scope.specs;
}

/** Where the composed model keeps a tensor of a branch; nothing for those it does not keep. */
function composedKey(key: string, condition: Condition): string | undefined {
  const [top = '', ...rest] = key.split('.');
  const path = rest.join('.');
  if (top === 'model') return `model.${condition}_unet.${path}`;
  if (top === 'cond_stage_model') return `cond_stage_model.${condition}_cond_stage_model.${path}`;
  return top === 'first_stage_model' && condition === 'text' ? key : undefined;
}

function declare(scope: Scope, { key, kind, shape, init, dtype, file }: ParamSpec): void {
  const options = { dtype, ...(file ? { file } : {}) };
  if (kind === 'buffer') scope.buffer(key, shape, init, options);
  else scope.param(key, shape, init, options);
}

function parsed<S extends z.ZodObject>(schema: S, { params = {} }: TargetConfig): z.output<S> {
  const { config } = parseObject(schema, params, 'params', {
    problem: (problem) => {
      throw new ConfigError([problem]);
    },
  });
  if (config === undefined) throw new Error('a config that was not checked');
  return config;
}
