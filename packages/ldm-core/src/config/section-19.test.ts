import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { DdConfig } from './autoencoder-config.js';
import { notesOf } from './fields.js';
import { camelize, snakeize } from './names.js';
import { parseObject } from './object-parser.js';
import { TARGETS } from './target-ids.js';
import { ldmRegistry } from './targets.js';

/** Required, without a default. */
const R = Symbol('required');
/** Accepted and ignored. */
const IGNORED = Symbol('ignored');
/** What a table of section 19 says of an argument: its default, R, or IGNORED. */
type Table = Readonly<Record<string, unknown>>;

/** Section 19, table by table: every argument, with its default where it has an effect. */
const tables: Readonly<Record<string, Table>> = {
  [TARGETS.latentDiffusion]: {
    first_stage_config: R,
    unet_config: R,
    cond_stage_config: R,
    timesteps: R,
    num_timesteps_cond: 1,
    cond_stage_key: 'image',
    cond_stage_trainable: false,
    conditioning_key: null,
    concat_mode: true,
    cond_stage_forward: null,
    scale_factor: 1,
    scale_by_std: false,
    ckpt_path: null,
    ignore_keys: [],
    load_only_unet: IGNORED,
    beta_schedule: 'linear',
    linear_start: 1e-4,
    linear_end: 2e-2,
    cosine_s: 8e-3,
    given_betas: null,
    v_posterior: 0,
    original_elbo_weight: 0,
    l_simple_weight: 1,
    loss_type: 'l2',
    parameterization: 'eps',
    learn_logvar: false,
    logvar_init: 0,
    use_ema: true,
    monitor: 'val/loss',
    first_stage_key: 'image',
    image_size: 256,
    channels: 3,
    log_every_t: 100,
    clip_denoised: IGNORED,
    scheduler_config: null,
    use_positional_encodings: false,
  },
  [TARGETS.unet]: {
    image_size: R,
    in_channels: R,
    model_channels: R,
    out_channels: R,
    num_res_blocks: R,
    attention_resolutions: R,
    channel_mult: [1, 2, 4, 8],
    dropout: 0,
    num_heads: -1,
    num_head_channels: -1,
    num_heads_upsample: -1,
    use_spatial_transformer: false,
    context_dim: null,
    transformer_depth: 1,
    legacy: true,
    conv_resample: true,
    resblock_updown: false,
    use_scale_shift_norm: false,
    use_new_attention_order: false,
    dims: 2,
    num_classes: null,
    n_embed: null,
    use_checkpoint: false,
    use_fp16: false,
    enable_freeu: false,
    b1: 1.1,
    b2: 1.2,
    s1: 1,
    s2: 1,
    // Ours; the default is the original's behaviour.
    freeu_relative: false,
  },
  [TARGETS.autoencoder]: {
    ddconfig: R,
    lossconfig: R,
    embed_dim: R,
    ckpt_path: null,
    ignore_keys: [],
    image_key: 'image',
    monitor: null,
    colorize_nlabels: null,
    scheduler_config: null,
  },
  [TARGETS.vaeLoss]: {
    disc_start: R,
    logvar_init: 0,
    kl_weight: 1,
    disc_weight: 1,
    perceptual_weight: 1,
    disc_factor: 1,
    disc_loss: 'hinge',
    disc_num_layers: 3,
    disc_in_channels: 3,
    use_actnorm: false,
    disc_conditional: false,
    pixelloss_weight: IGNORED,
  },
  [TARGETS.discriminator]: { input_nc: 3, ndf: 64, n_layers: 3, use_actnorm: false },
  [TARGETS.identity]: {},
  [TARGETS.bert]: {
    n_embed: R,
    n_layer: R,
    vocab_size: 30522,
    max_seq_len: 77,
    use_tokenizer: true,
    embedding_dropout: 0,
    device: IGNORED,
  },
  [TARGETS.segMaskEncoder]: { seg_mask_encoder_config: R, mask_embed_dim: 1024, context_dim: 640 },
  [TARGETS.passSegMaskEncoder]: {},
  [TARGETS.resBlock]: {
    channels: R,
    emb_channels: R,
    dropout: R,
    out_channels: null,
    use_conv: false,
    use_scale_shift_norm: false,
    dims: 2,
    use_checkpoint: false,
    up: false,
    down: false,
  },
  [TARGETS.attentionBlock]: {
    channels: R,
    num_heads: 1,
    num_head_channels: -1,
    use_new_attention_order: false,
    use_checkpoint: IGNORED,
  },
  [TARGETS.downsample]: { channels: R, use_conv: R, dims: 2, out_channels: null, padding: 1 },
  [TARGETS.upsample]: { channels: R, use_conv: R, dims: 2, out_channels: null, padding: 1 },
  [TARGETS.spatialTransformer]: { in_channels: R, n_heads: R, d_head: R, depth: 1, dropout: 0, context_dim: null },
  [TARGETS.basicTransformerBlock]: {
    dim: R,
    n_heads: R,
    d_head: R,
    dropout: 0,
    context_dim: null,
    gated_ff: true,
    checkpoint: true,
  },
  [TARGETS.geglu]: { dim_in: R, dim_out: R },
  [TARGETS.vaeResnetBlock]: {
    in_channels: R,
    dropout: R,
    out_channels: null,
    conv_shortcut: false,
    temb_channels: 512,
  },
  [TARGETS.vaeAttnBlock]: { in_channels: R },
  [TARGETS.vaeDownsample]: { in_channels: R, with_conv: R },
  [TARGETS.layerNorm]: { normalized_shape: R, eps: 1e-5 },
  [TARGETS.groupNorm]: { num_groups: R, num_channels: R, eps: 1e-5 },
  [TARGETS.gelu]: {},
};

const ddTable: Table = {
  ch: R,
  num_res_blocks: R,
  z_channels: R,
  in_channels: R,
  out_ch: R,
  attn_resolutions: R,
  resolution: R,
  double_z: R,
  ch_mult: [1, 2, 4, 8],
  dropout: 0,
  resamp_with_conv: true,
  attn_type: 'vanilla',
  use_linear_attn: false,
  tanh_out: false,
  give_pre_end: false,
};

/** Required by the original, and without effect there. */
const REQUIRED_AND_IGNORED = 'image_size';

function expectTable(schema: z.ZodObject, table: Table) {
  const shape = schema.shape as Record<string, z.ZodType>;
  expect(Object.keys(shape).map(snakeize).sort()).toEqual(Object.keys(table).sort());
  const { fields } = parseObject(schema, {}, '', { problem: () => {} });
  const defaults: Readonly<Record<string, unknown>> = fields;
  for (const [key, says] of Object.entries(table)) {
    const field = camelize(key);
    const required = !(field in defaults);
    const ignored = notesOf(shape[field]!).ignored !== undefined;
    expect({ key, required }).toEqual({ key, required: says === R });
    if (says !== R) expect({ key, ignored }).toEqual({ key, ignored: says === IGNORED });
    if (says !== R && says !== IGNORED) expect({ key, value: defaults[field] }).toEqual({ key, value: says });
  }
}

describe('every argument of section 19 is there, with its default and its status', () => {
  test.each(Object.entries(tables))('%s', (id, table) => {
    const target = ldmRegistry.targets.find((candidate) => candidate.id === id);
    expectTable(target!.schema, table);
  });

  test('ddconfig', () => expectTable(DdConfig, ddTable));

  test('the size of the UNet is required and ignored', () => {
    const unet = ldmRegistry.targets.find(({ id }) => id === TARGETS.unet)!;
    expect(notesOf(unet.schema.shape[camelize(REQUIRED_AND_IGNORED)] as z.ZodType).ignored).toBeDefined();
  });

  test('and no target is without a table, but for the learning-rate schedules of section 17', () => {
    const others = ldmRegistry.targets.map(({ id }) => id).filter((id) => !(id in tables));
    expect(others).toEqual(['ldm.lr_scheduler.LambdaWarmUpCosineScheduler2', 'ldm.lr_scheduler.LambdaLinearScheduler']);
  });
});
