import { defineRole, describeTarget, ldmRegistry, type Registry, roles } from '@codiff/ldm-core';
import { latentDiffusionComposeRules } from './across-rules.js';
import { ComposeCondStageConfig, ComposeUNetConfig } from './compose-unet-config.js';
import { LatentDiffusionComposeConfig } from './latent-diffusion-compose-config.js';
import { COMPOSE_TARGETS } from './target-ids.js';

/** What the parts of a collaborative model do for it. The names are those that the schemas ask for. */
export const composeRoles = {
  /** Mixes the branches' predicted noise. */
  composeUnet: defineRole<unknown>('composeUnet'),
  /** Encodes every modality. */
  composeCondStage: defineRole<unknown>('composeCondStage'),
};

/** Every target of ldm-core, and those of collaborative diffusion. `trainer` extends it. */
export const codiffRegistry: Registry = ldmRegistry.extend([
  describeTarget(
    COMPOSE_TARGETS.latentDiffusionCompose,
    LatentDiffusionComposeConfig,
    [roles.model],
    latentDiffusionComposeRules,
  ),
  describeTarget(COMPOSE_TARGETS.composeUnet, ComposeUNetConfig, [composeRoles.composeUnet]),
  describeTarget(COMPOSE_TARGETS.composeCondStage, ComposeCondStageConfig, [composeRoles.composeCondStage]),
]);
