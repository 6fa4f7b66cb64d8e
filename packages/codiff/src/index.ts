export {
  ComposeCondStageConfig,
  ComposeUNetConfig,
  ConfidenceSamplerConfig,
} from './config/compose-unet-config.js';
export { CONDITIONS, type Condition, sameConditions } from './config/conditions.js';
export { branchField, LatentDiffusionComposeConfig } from './config/latent-diffusion-compose-config.js';
export { COMPOSE_TARGETS } from './config/target-ids.js';
export { codiffRegistry, composeRoles } from './config/targets.js';
export { specsOf } from './model-specs.js';
