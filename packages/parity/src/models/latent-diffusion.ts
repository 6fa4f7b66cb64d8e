import {
  type AutoencoderKL,
  type BERTEmbedder,
  ConfigError,
  LatentDiffusionConfig,
  ldmRegistry,
  makeSchedule,
  type ParamSpec,
  parseObject,
  roles,
  type Schedule,
  Scope,
  scheduleBuffers,
  type TargetConfig,
  type UNetModel,
} from '@codiff/ldm-core';
import type { CaseModel } from '../cases/case-folder.js';
import { buildBert, buildFirstStage, buildInto } from './build.js';

/** The parts of a latent diffusion model of text, under the original's prefixes. */
export interface LatentParts {
  readonly config: LatentDiffusionConfig;
  readonly schedule: Schedule;
  readonly unet: UNetModel;
  readonly firstStage: AutoencoderKL<unknown>;
  readonly condStage: BERTEmbedder;
  readonly specs: ReadonlyMap<string, ParamSpec>;
}

/** `LatentDiffusion` with a UNet, a first stage without loss, and a text encoder over ids. */
export function buildLatentDiffusion({ target, params, files }: CaseModel): LatentParts {
  const problems = ldmRegistry.problems({ target, params }, roles.model.name, 'model', { files });
  if (problems.length > 0) throw new ConfigError(problems);
  const { config } = parseObject(LatentDiffusionConfig, params, 'model.params', {
    problem: (problem) => {
      throw new ConfigError([problem]);
    },
  });
  if (config === undefined) throw new Error("field 'model.params': not a config of a latent diffusion model");
  const { condStageConfig, unetConfig, firstStageConfig } = config;
  if (typeof condStageConfig === 'string') {
    throw new Error(`field 'cond_stage_config': '${condStageConfig}' is not among the targets of this kind`);
  }
  const part = ({ target, params = {} }: TargetConfig): CaseModel => ({ target, params, files });
  const scope = Scope.root();
  const schedule = makeSchedule(config);
  for (const [name, values] of scheduleBuffers(schedule)) {
    // The original registers this one without storing it.
    if (name !== 'lvlb_weights') scope.buffer(name, [values.length], { kind: 'values', values });
  }
  return {
    config,
    schedule,
    unet: buildInto(part(unetConfig), roles.unet, scope.at('model.diffusion_model')),
    firstStage: buildFirstStage(part(firstStageConfig), scope.at('first_stage_model')).model,
    condStage: buildBert(part(condStageConfig), scope.at('cond_stage_model')).model,
    specs: scope.specs,
  };
}
