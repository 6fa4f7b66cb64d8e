import './nn/gradients.js';

export { AutoencoderConfig, DdConfig } from './config/autoencoder-config.js';
export {
  AttentionBlockConfig,
  AttnBlockConfig,
  BasicTransformerBlockConfig,
  DownsampleConfig,
  GegluConfig,
  GeluConfig,
  GroupNormConfig,
  LayerNormConfig,
  ResBlockConfig,
  ResnetBlockConfig,
  SpatialTransformerConfig,
  UpsampleConfig,
  VaeDownsampleConfig,
} from './config/block-configs.js';
export { BertEmbedderConfig, PassSegMaskEncoderConfig, SegMaskEncoderConfig } from './config/cond-stage-config.js';
export type { TargetConfig } from './config/fields.js';
export {
  type CondStage,
  conditioningOf,
  diffusionFields,
  diffusionRules,
  IS_FIRST_STAGE,
  IS_UNCONDITIONAL,
  LatentDiffusionConfig,
} from './config/latent-diffusion-config.js';
export { type Finding, type Rule, ruleOf, withRules } from './config/rules.js';
export { UNetConfig } from './config/unet-config.js';
export { IdentityConfig, NLayerDiscriminatorConfig, VaeLossConfig } from './config/vae-loss-config.js';
export { type BetaOptions, type BetaScheduleName, betaScheduleNames, makeBetas } from './diffusion/betas.js';
export {
  countSteps,
  type DdimSchedule,
  type DdimScheduleOptions,
  type Discretization,
  ddimTimesteps,
  discretizations,
  makeDdimSchedule,
} from './diffusion/ddim-schedule.js';
export {
  type Gaussian,
  type OutputOptions,
  type PMeanVariance,
  pMeanVariance,
  pSample,
  qPosterior,
  qSample,
} from './diffusion/ddpm.js';
export { extract } from './diffusion/extract.js';
export {
  type DiffusionLosses,
  type LossInputs,
  type LossType,
  loggedLosses,
  lossTypes,
  type ObjectiveOptions,
  pLosses,
} from './diffusion/p-losses.js';
export { type Parameterization, parameterizations } from './diffusion/parameterization.js';
export {
  predictEpsFromStart,
  predictEpsFromVelocity,
  predictStart,
  predictStartFromNoise,
  predictStartFromVelocity,
  velocity,
} from './diffusion/predictions.js';
export { makeSchedule, type Schedule, type ScheduleOptions, scheduleBuffers } from './diffusion/schedule.js';
export { geglu, gelu, leakyRelu, silu, softplus } from './nn/activations.js';
export { type AttentionOptions, attention } from './nn/attention.js';
export { BatchNorm2D, type BatchNormOptions } from './nn/batch-norm.js';
export { checkpoint, recomputeBarrier } from './nn/checkpoint.js';
export { Conv2D, type Conv2DOptions, type ConvOptions, conv2d, type Padding } from './nn/conv2d.js';
export { dropout } from './nn/dropout.js';
export { Embedding } from './nn/embedding.js';
export { fromFile, type HostValues, toFile } from './nn/file-layout.js';
export { fanIn, initialValues, initParams, kaiming, normal, ones, zeros } from './nn/init.js';
export type {
  AdamUpdateAttrs,
  AttentionAttrs,
  DrawAttrs,
  GroupNormAttrs,
  KernelContract,
  KernelContracts,
  KernelName,
  LayerNormAttrs,
} from './nn/kernel-contracts.js';
export { Linear, type LinearOptions } from './nn/linear.js';
export { GroupNorm, type GroupNormOptions, groupNorm, LayerNorm, layerNorm } from './nn/norm.js';
export { Params } from './nn/params.js';
export { Rng } from './nn/random.js';
export { type FileLayout, type Init, type ParamKey, type ParamOptions, type ParamSpec, Scope } from './nn/scope.js';
export { avgPool2x, upsampleNearest2x } from './nn/upsample.js';
