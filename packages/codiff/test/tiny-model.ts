import { type ParamSpec, type Params, Scope } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { codiffRegistry, composeRoles, type LatentDiffusionCompose } from '../src/index.js';
import { livelyParams, randn } from './support.js';

const CONTEXT_DIM = 8;
const MASK_PIXELS = 16;
const DIFFUSION = {
  timesteps: 1000,
  linear_start: 0.0015,
  linear_end: 0.0195,
  conditioning_key: 'crossattn',
  cond_stage_trainable: true,
  scale_factor: 0.5,
  use_ema: false,
};

const unet = (outChannels: number) => ({
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

const firstStage = {
  target: 'ldm.models.autoencoder.AutoencoderKL',
  params: {
    embed_dim: 3,
    lossconfig: { target: 'torch.nn.Identity' },
    ddconfig: {
      double_z: true,
      z_channels: 3,
      resolution: 8,
      in_channels: 3,
      out_ch: 3,
      ch: 32,
      ch_mult: [1, 1],
      num_res_blocks: 1,
      attn_resolutions: [],
    },
  },
};

/** The encoder of masks; also of sketches, which are masks of one class. */
const maskEncoder = {
  target: 'ldm.modules.encoders.modules.SegMaskEncoder',
  params: {
    seg_mask_encoder_config: { target: 'ldm.modules.encoders.modules.PassSegMaskEncoder' },
    mask_embed_dim: MASK_PIXELS,
    context_dim: CONTEXT_DIM,
  },
};

const textEncoder = {
  target: 'ldm.modules.encoders.modules.BERTEmbedder',
  params: { n_embed: CONTEXT_DIM, n_layer: 1, vocab_size: 20, max_seq_len: 5, use_tokenizer: false },
};

/** The config of one branch alone. */
export const branchFile = (encoder: object) => ({
  model: {
    target: 'ldm.models.diffusion.ddpm.LatentDiffusion',
    params: { ...DIFFUSION, unet_config: unet(3), first_stage_config: firstStage, cond_stage_config: encoder },
  },
});

/** Files that the tiny model's config names. */
export const FILES = {
  'mask.yaml': branchFile(maskEncoder),
  'sketch.yaml': branchFile(maskEncoder),
  'text.yaml': branchFile(textEncoder),
};

export interface TinyOptions {
  readonly conditions?: readonly string[];
  /** More arguments of the model. */
  readonly params?: Readonly<Record<string, unknown>>;
  /** Arguments of the composed UNet. */
  readonly compose?: Readonly<Record<string, unknown>>;
}

/** The config of a collaborative model small enough for plain JavaScript. */
export function tinyConfig({ conditions = ['seg_mask', 'text'], params = {}, compose = {} }: TinyOptions = {}) {
  const paths: Record<string, string> = {
    seg_mask_ldm_config_path: 'mask.yaml',
    text_ldm_config_path: 'text.yaml',
    ...(conditions.includes('sketch') ? { sketch_ldm_config_path: 'sketch.yaml' } : {}),
  };
  return {
    target: 'ldm.models.diffusion.ddpm_compose.LatentDiffusionCompose',
    params: {
      ...DIFFUSION,
      ...paths,
      conditions,
      compose_unet_config: {
        target: 'ldm.models.diffusion.compose_modules.ComposeUNet',
        params: {
          conditions,
          confidence_input: 'x_t',
          confidence_map_predictor_config: unet(1),
          ...compose,
        },
      },
      compose_cond_stage_config: {
        target: 'ldm.models.diffusion.compose_modules.ComposeCondStageModel',
        params: { conditions },
      },
      ...params,
    },
  };
}

export interface Tiny {
  readonly model: LatentDiffusionCompose;
  readonly specs: ReadonlyMap<string, ParamSpec>;
  readonly params: Params;
}

/** A tiny model with weights. */
export function tinyModel(options: TinyOptions = {}): Tiny {
  const scope = Scope.root();
  const model = codiffRegistry.build(tinyConfig(options), composeRoles.collaborative, scope, { files: FILES });
  return { model, specs: scope.specs, params: livelyParams(scope.specs, 5) };
}

/** Raw conditions of a batch of one. */
export function tinyConditions(names: readonly string[] = ['seg_mask', 'text']): Record<string, tf.Tensor> {
  const all: Record<string, () => tf.Tensor> = {
    seg_mask: () => tf.reshape(tf.slice(tf.eye(MASK_PIXELS), 0, 4), [1, 4, MASK_PIXELS]),
    text: () => tf.tensor2d([[1, 7, 3, 2, 0]], [1, 5], 'int32'),
    sketch: () => tf.cast(tf.greater(randn([1, 1, MASK_PIXELS], 9), 0), 'int32'),
  };
  return Object.fromEntries(names.map((name) => [name, tf.tidy(() => all[name]!())]));
}

/** Latents [1,4,4,3]. */
export const tinyLatents = (seed: number): tf.Tensor4D => randn([1, 4, 4, 3], seed);
