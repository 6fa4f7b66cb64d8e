import { LatentDiffusion } from '../diffusion/latent-diffusion.js';
import { PassSegMaskEncoder, SegMaskEncoder } from '../mask/seg-mask-encoder.js';
import { gelu } from '../nn/activations.js';
import { GEGLU } from '../nn/feed-forward.js';
import { GroupNorm, LayerNorm } from '../nn/norm.js';
import { lrSchedule } from '../optim/schedule.js';
import { BERTEmbedder } from '../text/bert-embedder.js';
import { AttentionBlock } from '../unet/attention-block.js';
import { BasicTransformerBlock } from '../unet/basic-transformer-block.js';
import { Downsample } from '../unet/downsample.js';
import { ResBlock } from '../unet/res-block.js';
import { SpatialTransformer } from '../unet/spatial-transformer.js';
import { UNetModel } from '../unet/unet.js';
import { Upsample } from '../unet/upsample.js';
import { VaeAttnBlock } from '../vae/attn-block.js';
import { AutoencoderKL } from '../vae/autoencoder.js';
import { NLayerDiscriminator } from '../vae/discriminator.js';
import { LPIPSWithDiscriminator } from '../vae/gan-loss.js';
import { VaeDownsample } from '../vae/resample.js';
import { ResnetBlock } from '../vae/resnet-block.js';
import { autoencoderRules, latentDiffusionRules } from './across-rules.js';
import { AutoencoderConfig } from './autoencoder-config.js';
import * as blocks from './block-configs.js';
import { BertEmbedderConfig, PassSegMaskEncoderConfig, SegMaskEncoderConfig } from './cond-stage-config.js';
import { LatentDiffusionConfig } from './latent-diffusion-config.js';
import { cyclesOf, LrScheduleConfig } from './lr-schedule-config.js';
import { Registry } from './registry.js';
import { roles } from './roles.js';
import { defineTarget } from './target.js';
import { TARGETS } from './target-ids.js';
import { UNetConfig } from './unet-config.js';
import { IdentityConfig, NLayerDiscriminatorConfig, VaeLossConfig } from './vae-loss-config.js';

const { block } = roles;

const models = [
  defineTarget(
    TARGETS.latentDiffusion,
    LatentDiffusionConfig,
    (config, { scope, build }) => {
      const { unetConfig, firstStageConfig, condStageConfig } = config;
      return new LatentDiffusion(scope, config, {
        unet: (at) => build(unetConfig, roles.unet, at),
        firstStage: (at) => build(firstStageConfig, roles.firstStage, at),
        condStage: typeof condStageConfig === 'string' ? null : (at) => build(condStageConfig, roles.condStage, at),
      });
    },
    [roles.model, roles.latentDiffusion, roles.branch],
    latentDiffusionRules,
  ),
  defineTarget(TARGETS.unet, UNetConfig, (config, { scope }) => new UNetModel(scope, config), [roles.unet]),
  defineTarget(
    TARGETS.autoencoder,
    AutoencoderConfig,
    (config, { scope, build }) => new AutoencoderKL(scope, config, (at) => build(config.lossconfig, roles.loss, at)),
    [roles.model, roles.firstStage],
    autoencoderRules,
  ),
  defineTarget(TARGETS.vaeLoss, VaeLossConfig, (config, { scope }) => new LPIPSWithDiscriminator(scope, config), [
    roles.loss,
  ]),
  defineTarget(TARGETS.bert, BertEmbedderConfig, (config, { scope }) => new BERTEmbedder(scope, config), [
    roles.condStage,
  ]),
  defineTarget(
    TARGETS.segMaskEncoder,
    SegMaskEncoderConfig,
    (config, { scope, build }) =>
      new SegMaskEncoder(scope, config, build(config.segMaskEncoderConfig, roles.maskEncoder, scope)),
    [roles.condStage],
  ),
  defineTarget(TARGETS.passSegMaskEncoder, PassSegMaskEncoderConfig, () => new PassSegMaskEncoder(), [
    roles.maskEncoder,
  ]),
  // A model without a loss of its own: there is nothing to build.
  defineTarget(TARGETS.identity, IdentityConfig, () => null, [roles.loss, block]),
  defineTarget(
    'ldm.lr_scheduler.LambdaWarmUpCosineScheduler2',
    LrScheduleConfig,
    (config) => lrSchedule(cyclesOf(config), 'cosine'),
    [roles.lrSchedule],
  ),
  defineTarget(
    'ldm.lr_scheduler.LambdaLinearScheduler',
    LrScheduleConfig,
    (config) => lrSchedule(cyclesOf(config), 'linear'),
    [roles.lrSchedule],
  ),
];

const layers = [
  defineTarget(
    TARGETS.discriminator,
    NLayerDiscriminatorConfig,
    (config, { scope }) => new NLayerDiscriminator(scope, config),
    [block],
  ),
  defineTarget(TARGETS.resBlock, blocks.ResBlockConfig, (config, { scope }) => new ResBlock(scope, config), [block]),
  defineTarget(
    TARGETS.attentionBlock,
    blocks.AttentionBlockConfig,
    (config, { scope }) => new AttentionBlock(scope, config),
    [block],
  ),
  defineTarget(TARGETS.downsample, blocks.DownsampleConfig, (config, { scope }) => new Downsample(scope, config), [
    block,
  ]),
  defineTarget(TARGETS.upsample, blocks.UpsampleConfig, (config, { scope }) => new Upsample(scope, config), [block]),
  defineTarget(
    TARGETS.spatialTransformer,
    blocks.SpatialTransformerConfig,
    (config, { scope }) => new SpatialTransformer(scope, config),
    [block],
  ),
  defineTarget(
    TARGETS.basicTransformerBlock,
    blocks.BasicTransformerBlockConfig,
    (config, { scope }) => new BasicTransformerBlock(scope, config),
    [block],
  ),
  defineTarget(TARGETS.geglu, blocks.GegluConfig, ({ dimIn, dimOut }, { scope }) => new GEGLU(scope, dimIn, dimOut), [
    block,
  ]),
  defineTarget(
    TARGETS.vaeResnetBlock,
    blocks.ResnetBlockConfig,
    (config, { scope }) => new ResnetBlock(scope, config),
    [block],
  ),
  defineTarget(TARGETS.vaeAttnBlock, blocks.AttnBlockConfig, (config, { scope }) => new VaeAttnBlock(scope, config), [
    block,
  ]),
  defineTarget(
    TARGETS.vaeDownsample,
    blocks.VaeDownsampleConfig,
    (config, { scope }) => new VaeDownsample(scope, config),
    [block],
  ),
  defineTarget(
    TARGETS.layerNorm,
    blocks.LayerNormConfig,
    ({ normalizedShape, eps }, { scope }) => new LayerNorm(scope, normalizedShape, { epsilon: eps }),
    [block],
  ),
  defineTarget(
    TARGETS.groupNorm,
    blocks.GroupNormConfig,
    ({ numGroups, numChannels, eps }, { scope }) =>
      new GroupNorm(scope, numChannels, { groups: numGroups, epsilon: eps }),
    [block],
  ),
  defineTarget(TARGETS.gelu, blocks.GeluConfig, () => gelu, [block]),
];

/** Every target of one latent diffusion model. `codiff` and `trainer` extend it. */
export const ldmRegistry: Registry = Registry.of([...models, ...layers]);
