import {
  type CondStage,
  ConfigError,
  defineRole,
  defineTarget,
  LatentDiffusionConfig,
  ldmRegistry,
  parseConfig,
  type Registry,
  roles,
} from '@codiff/ldm-core';
import { ComposeCondStage } from '../compose/compose-cond-stage.js';
import { ComposeUNet, type ComposeUNetParts } from '../compose/compose-unet.js';
import { LatentDiffusionCompose } from '../compose/latent-diffusion-compose.js';
import { latentDiffusionComposeRules } from './across-rules.js';
import { ComposeCondStageConfig, ComposeUNetConfig } from './compose-unet-config.js';
import type { Condition } from './conditions.js';
import { branchField, LatentDiffusionComposeConfig } from './latent-diffusion-compose-config.js';
import { COMPOSE_TARGETS } from './target-ids.js';

/** What the parts of a collaborative model do for it. The names are those that the schemas ask for. */
export const composeRoles = {
  /** A collaborative model at the top of a config file. */
  collaborative: defineRole<LatentDiffusionCompose>('collaborative'),
  /** Mixes the branches' predicted noise; built once the model says where the branches' UNets come from. */
  composeUnet: defineRole<(unet: ComposeUNetParts['unet']) => ComposeUNet>('composeUnet'),
  /** Encodes every modality; built once the model says where the branches' encoders come from. */
  composeCondStage:
    defineRole<(encoder: ConstructorParameters<typeof ComposeCondStage>[2]) => ComposeCondStage>('composeCondStage'),
};

const latentDiffusionCompose = defineTarget(
  COMPOSE_TARGETS.latentDiffusionCompose,
  LatentDiffusionComposeConfig,
  (config, { scope, build, linked }) => {
    // A branch is a config of its own, of which the collaborative model takes the parts but not the keys.
    const branchOf = (condition: Condition) => {
      const name = config[branchField[condition]]!;
      return { name, ...parseConfig(LatentDiffusionConfig, linked(name)) };
    };
    return new LatentDiffusionCompose(scope, config, {
      unet: (at) =>
        build(
          config.composeUnetConfig,
          composeRoles.composeUnet,
          at,
        )((condition, inner) => build(branchOf(condition).unetConfig, roles.unet, inner)),
      firstStage: (at) => build(branchOf('text').firstStageConfig, roles.firstStage, at),
      condStage: (at) =>
        build(
          config.composeCondStageConfig,
          composeRoles.composeCondStage,
          at,
        )((condition, inner) => build(encoderOf(branchOf(condition)), roles.condStage, inner)),
    });
  },
  [roles.model, composeRoles.collaborative],
  latentDiffusionComposeRules,
);

/** Every target of ldm-core, and those of collaborative diffusion. `trainer` extends it. */
export const codiffRegistry: Registry = ldmRegistry.extend([
  latentDiffusionCompose,
  defineTarget(
    COMPOSE_TARGETS.composeUnet,
    ComposeUNetConfig,
    (config, { scope, build }) =>
      (unet) =>
        new ComposeUNet(scope, config, {
          predictor: (at) => build(config.confidenceMapPredictorConfig, roles.unet, at),
          unet,
        }),
    [composeRoles.composeUnet],
  ),
  defineTarget(
    COMPOSE_TARGETS.composeCondStage,
    ComposeCondStageConfig,
    (config, { scope }) =>
      (encoder) =>
        new ComposeCondStage(scope, config, encoder),
    [composeRoles.composeCondStage],
  ),
]);

function encoderOf({ name, condStageConfig }: { name: string; condStageConfig: CondStage }) {
  if (typeof condStageConfig !== 'string') return condStageConfig;
  throw new ConfigError([
    {
      file: name,
      path: 'model.params.cond_stage_config',
      message: `${condStageConfig} is no encoder, and a branch of a collaborative model needs one`,
      suggestion: 'give the branch a config with BERTEmbedder or SegMaskEncoder',
    },
  ]);
}
