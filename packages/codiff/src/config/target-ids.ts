/** The original's class paths of this package's models: opaque ids here. */
export const COMPOSE_TARGETS = {
  latentDiffusionCompose: 'ldm.models.diffusion.ddpm_compose.LatentDiffusionCompose',
  composeUnet: 'ldm.models.diffusion.compose_modules.ComposeUNet',
  composeCondStage: 'ldm.models.diffusion.compose_modules.ComposeCondStageModel',
} as const;
