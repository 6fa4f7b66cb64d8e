/** Models and batches small enough to train in a test; not exported. */
import { codiffRegistry, composeRoles, type LatentDiffusionCompose } from '@codiff/codiff';
import {
  AutoencoderConfig,
  type LatentDiffusion,
  type ParamSpec,
  parseConfig,
  Rng,
  roles,
  Scope,
} from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import {
  composeTraining,
  type DiffusionTrainingOptions,
  type GanAutoencoder,
  latentDiffusionTraining,
  type Training,
  type VaeTrainingOptions,
  vaeTraining,
} from '../src/index.js';

/** A way to train, and everything the model stores. */
export interface Tiny {
  readonly training: Training;
  readonly specs: ReadonlyMap<string, ParamSpec>;
}

const CONTEXT_DIM = 8;

/** The config of a small UNet. */
export const unet = (outChannels: number) => ({
  target: 'ldm.modules.diffusionmodules.openaimodel.UNetModel',
  params: {
    image_size: 4,
    in_channels: 3,
    out_channels: outChannels,
    model_channels: 32,
    attention_resolutions: [1],
    num_res_blocks: 1,
    channel_mult: [1],
    num_heads: 2,
    use_spatial_transformer: true,
    context_dim: CONTEXT_DIM,
    legacy: false,
  },
});

const ddconfig = {
  double_z: true,
  z_channels: 3,
  resolution: 8,
  in_channels: 3,
  out_ch: 3,
  ch: 32,
  ch_mult: [1, 1],
  num_res_blocks: 1,
  attn_resolutions: [],
  attn_type: 'none',
};

const vaeTarget = (lossconfig: object) => ({
  target: 'ldm.models.autoencoder.AutoencoderKL',
  params: { embed_dim: 3, lossconfig, ddconfig },
});

const maskEncoder = {
  target: 'ldm.modules.encoders.modules.SegMaskEncoder',
  params: {
    seg_mask_encoder_config: { target: 'ldm.modules.encoders.modules.PassSegMaskEncoder' },
    mask_embed_dim: 16,
    context_dim: CONTEXT_DIM,
  },
};

const textEncoder = {
  target: 'ldm.modules.encoders.modules.BERTEmbedder',
  params: { n_embed: CONTEXT_DIM, n_layer: 1, vocab_size: 20, max_seq_len: 5, use_tokenizer: false },
};

const DIFFUSION = {
  timesteps: 1000,
  linear_start: 0.0015,
  linear_end: 0.0195,
  conditioning_key: 'crossattn',
  cond_stage_trainable: true,
  scale_factor: 0.5,
  use_ema: false,
};

const diffusion = (encoder: object, key: string, params: object = {}) => ({
  target: 'ldm.models.diffusion.ddpm.LatentDiffusion',
  params: {
    ...DIFFUSION,
    cond_stage_key: key,
    unet_config: unet(3),
    first_stage_config: vaeTarget({ target: 'torch.nn.Identity' }),
    cond_stage_config: encoder,
    ...params,
  },
});

/** A latent diffusion model of captions (`text`) or masks. */
export function tinyDiffusion(
  kind: 'text' | 'mask',
  options: Partial<DiffusionTrainingOptions> = {},
  params: object = {},
): Tiny & { readonly model: LatentDiffusion } {
  const config =
    kind === 'text' ? diffusion(textEncoder, 'caption', params) : diffusion(maskEncoder, 'seg_mask', params);
  const scope = Scope.root();
  const model: LatentDiffusion = codiffRegistry.build(config, roles.latentDiffusion, scope, { files: {} });
  return { model, training: latentDiffusionTraining(model, scope.specs, { lr: 1e-3, ...options }), specs: scope.specs };
}

/** A collaborative model of a mask and a text branch. */
export function tinyCompose(
  options: Partial<DiffusionTrainingOptions> = {},
  params: object = {},
  rules: object = {},
): Tiny & { readonly model: LatentDiffusionCompose } {
  const config = {
    target: 'ldm.models.diffusion.ddpm_compose.LatentDiffusionCompose',
    params: {
      ...DIFFUSION,
      seg_mask_ldm_config_path: 'mask.yaml',
      text_ldm_config_path: 'text.yaml',
      compose_unet_config: {
        target: 'ldm.models.diffusion.compose_modules.ComposeUNet',
        params: { confidence_input: 'x_t', confidence_map_predictor_config: unet(1), ...rules },
      },
      compose_cond_stage_config: { target: 'ldm.models.diffusion.compose_modules.ComposeCondStageModel', params: {} },
      ...params,
    },
  };
  const files = {
    'mask.yaml': { model: diffusion(maskEncoder, 'seg_mask') },
    'text.yaml': { model: diffusion(textEncoder, 'caption') },
  };
  const scope = Scope.root();
  const model: LatentDiffusionCompose = codiffRegistry.build(config, composeRoles.collaborative, scope, { files });
  return { model, training: composeTraining(model, scope.specs, { lr: 1e-3, ...options }), specs: scope.specs };
}

/** An autoencoder with its discriminator, which counts from optimizer step 2 on; without LPIPS, whose VGG16 is large. */
export function tinyVae(
  options: Partial<VaeTrainingOptions> = {},
  loss: object = {},
): Tiny & { readonly model: GanAutoencoder } {
  const config = vaeTarget({
    target: 'ldm.modules.losses.LPIPSWithDiscriminator',
    params: { disc_start: 2, perceptual_weight: 0, disc_num_layers: 1, ...loss },
  });
  const scope = Scope.root();
  const model = codiffRegistry.build(config, roles.firstStage, scope, { files: {} }) as GanAutoencoder;
  const parsed = parseConfig(AutoencoderConfig, config);
  return { model, training: vaeTraining(model, scope.specs, parsed, { lr: 1e-3, ...options }), specs: scope.specs };
}

/** Two images with every condition, the same for the same number. */
export function tinyBatch(index = 0) {
  const rng = Rng.of(5).split(index);
  const ids = rng.split('ids').integers<tf.Rank.R2>([2, 5], 0, 20);
  const classes = rng.split('mask').integers<tf.Rank.R2>([2, 16], 0, 19);
  const mask = tf.tidy(() => tf.cast(tf.transpose(tf.oneHot(classes, 19), [0, 2, 1]), 'int32'));
  classes.dispose();
  const image = tf.tidy(() => tf.clipByValue(rng.split('image').normal<tf.Rank.R4>([2, 8, 8, 3]), -1, 1));
  return { image, caption: ids, text: tf.clone(ids), seg_mask: mask };
}

/** Last layers begin as zeros, and would show nothing: the same weights with draws in them. */
export function lively(tensor: tf.Tensor, key: string): tf.Tensor {
  if (!/(out\.2|proj_out)\.weight$/.test(key)) return tensor;
  const drawn = tf.tidy(() => tf.add(tensor, Rng.of(2).split(key).normal(tensor.shape)));
  tensor.dispose();
  return drawn;
}
