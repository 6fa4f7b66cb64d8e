import {
  AutoencoderConfig,
  acrossRuleOf,
  conditioningOf,
  conditionWidth,
  type Finding,
  LatentDiffusionConfig,
  type Peek,
  TARGETS,
  UNetConfig,
} from '@codiff/ldm-core';
import { ComposeCondStageConfig, ComposeUNetConfig } from './compose-unet-config.js';
import { sameConditions } from './conditions.js';
import { branchField, type LatentDiffusionComposeConfig } from './latent-diffusion-compose-config.js';
import { COMPOSE_TARGETS } from './target-ids.js';

const rule = acrossRuleOf<LatentDiffusionComposeConfig>();

/** What a collaborative model's parts and branches must agree on. */
export const latentDiffusionComposeRules = [
  rule(
    ['conditions', 'composeUnetConfig', 'composeCondStageConfig'],
    function* ({ conditions, composeUnetConfig, composeCondStageConfig }, peek): Generator<Finding> {
      const parts = {
        composeUnetConfig: peek.configOf(composeUnetConfig, COMPOSE_TARGETS.composeUnet, ComposeUNetConfig),
        composeCondStageConfig: peek.configOf(
          composeCondStageConfig,
          COMPOSE_TARGETS.composeCondStage,
          ComposeCondStageConfig,
        ),
      };
      for (const [field, part] of Object.entries(parts)) {
        if (part === undefined || sameConditions(part.conditions, conditions)) continue;
        yield {
          path: [field, 'params', 'conditions'],
          message: `[${part.conditions.join(', ')}] are not the model's conditions [${conditions.join(', ')}]`,
          suggestion: `use [${conditions.join(', ')}]`,
        };
      }
    },
  ),
  rule(
    ['conditions', 'composeUnetConfig', 'textLdmConfigPath', 'segMaskLdmConfigPath', 'sketchLdmConfigPath'],
    function* (config, peek): Generator<Finding> {
      const compose = peek.fieldsOf(config.composeUnetConfig, COMPOSE_TARGETS.composeUnet, ComposeUNetConfig);
      const predictor =
        compose?.confidenceMapPredictorConfig &&
        peek.configOf(compose.confidenceMapPredictorConfig, TARGETS.unet, UNetConfig);
      if (predictor === undefined) return;
      const at = (field: string) => ['composeUnetConfig', 'params', 'confidenceMapPredictorConfig', 'params', field];
      const maps = predictor.nEmbed ?? predictor.outChannels;
      if (maps !== 1) {
        yield {
          path: at(predictor.nEmbed === null ? 'outChannels' : 'nEmbed'),
          message: `an influence map has 1 channel, and the dynamic diffuser gives ${maps}`,
          suggestion: 'use 1',
        };
      }
      for (const condition of config.conditions) {
        const branch = branchOf(config[branchField[condition]], peek);
        if (branch === undefined) continue;
        yield* branchFindings(condition, branch, predictor, at, peek);
      }
    },
  ),
];

function branchOf(name: string | null, peek: Peek): LatentDiffusionConfig | undefined {
  const model = name === null ? undefined : peek.linked(name);
  return model && peek.configOf(model, TARGETS.latentDiffusion, LatentDiffusionConfig);
}

function* branchFindings(
  condition: string,
  branch: LatentDiffusionConfig,
  predictor: UNetConfig,
  at: (field: string) => string[],
  peek: Peek,
): Generator<Finding> {
  const conditioning = conditioningOf(branch);
  if (conditioning !== 'crossattn') {
    yield {
      path: ['conditions'],
      message: `the branch '${condition}' has conditioning ${conditioning}; only tokens can be shared with its dynamic diffuser`,
      suggestion: 'set conditioning_key: crossattn in its config',
    };
  }
  const width = conditionWidth(branch.condStageConfig, peek);
  if (predictor.contextDim !== null && width !== undefined && width !== predictor.contextDim) {
    yield {
      path: at('contextDim'),
      message: `the dynamic diffuser reads a context of width ${predictor.contextDim}, and the branch '${condition}' gives ${width}`,
      suggestion: `use ${width}`,
    };
  }
  const latent = peek.configOf(branch.firstStageConfig, TARGETS.autoencoder, AutoencoderConfig)?.embedDim;
  if (latent !== undefined && latent !== predictor.inChannels) {
    yield {
      path: at('inChannels'),
      message: `the dynamic diffuser takes ${predictor.inChannels} channels, and the latent of the branch '${condition}' has ${latent}`,
      suggestion: `use ${latent}`,
    };
  }
  if (predictor.numClasses !== null) {
    yield {
      path: at('numClasses'),
      message: 'a dynamic diffuser gets no class labels',
      suggestion: 'remove num_classes',
    };
  }
}
