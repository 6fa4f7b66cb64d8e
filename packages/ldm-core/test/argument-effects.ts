/** What a change of an argument of section 19 does, by target; the judge is argument-effects.test.ts. */
import { TARGETS } from '../src/config/target-ids.js';

/**
 * `keys`: other declared parameters (names, shapes, first values). `output`: the same parameters, other numbers or
 * behaviour (for one of both, that may be the refusal of arguments that do not go together). `elsewhere`: the checked config carries it to whoever reads it outside this package. `same`: nothing, as the
 * original says (ignored, or memory only). `refused`: a value for which the original only crashes, refused by name.
 */
export type Effect = 'keys' | 'output' | 'elsewhere' | 'same' | 'refused';

/** Overrides that change the argument, and those under which the change is to be seen. */
export interface Row {
  readonly argument: string;
  readonly change: readonly string[];
  readonly effect: Effect;
  readonly given?: readonly string[];
}

const rows = (effect: Effect, ...lines: readonly (readonly [change: string, ...given: string[]])[]): Row[] =>
  lines.map(([change, ...given]) => ({ argument: change.split('=')[0]!, change: [change], effect, given }));

const PLAIN_UNET = ['use_spatial_transformer=false', 'context_dim='];
const RELATIVE_FREEU = ['enable_freeu=true', 'freeu_relative=true'];
const WIDE = ['channel_mult=[1, 3]', ...RELATIVE_FREEU];
const CKPT = 'ckpt_path=some.ckpt';
const PLAIN_LDM_UNET = PLAIN_UNET.map((line) => `unet_config.params.${line}`);

const unet = { image_size: 8, in_channels: 3, out_channels: 3, model_channels: 32, attention_resolutions: [2] };
const UNET = {
  ...unet,
  num_res_blocks: 1,
  channel_mult: [1, 2],
  num_heads: 2,
  use_spatial_transformer: true,
  context_dim: 8,
};
const VAE = {
  embed_dim: 3,
  lossconfig: { target: TARGETS.identity },
  ddconfig: {
    double_z: true,
    z_channels: 3,
    resolution: 8,
    in_channels: 3,
    out_ch: 3,
    ch: 32,
    ch_mult: [1, 2],
    num_res_blocks: 1,
    attn_resolutions: [8],
  },
};
const MASK = {
  seg_mask_encoder_config: { target: TARGETS.passSegMaskEncoder },
  mask_embed_dim: 4,
  context_dim: 8,
};
const RES = { channels: 32, emb_channels: 16, dropout: 0 };
const SCHEDULE = '{target: ldm.lr_scheduler.LambdaLinearScheduler, params: {warm_up_steps: [1], f_min: [1], f_max: [1]';

/** A target, arguments to start from, and a row for every argument that it has. */
export interface Subject {
  readonly target: string;
  readonly params: object;
  readonly rows: readonly Row[];
}

/** Every target of this package that takes arguments. */
export const SUBJECTS: readonly Subject[] = [
  {
    target: TARGETS.unet,
    params: UNET,
    rows: [
      ...rows(
        'keys',
        ['in_channels=4'],
        ['model_channels=64'],
        ['out_channels=4'],
        ['num_res_blocks=2'],
        ['attention_resolutions=[1, 2]'],
        ['channel_mult=[1, 1]'],
        ['context_dim=16'],
        ['transformer_depth=2'],
        ['conv_resample=false'],
        ['resblock_updown=true'],
        ['use_scale_shift_norm=true'],
        ['num_classes=4'],
        ['n_embed=5'],
        // 64 channels hold one head of 48 and a rest: legacy widens the head.
        ['legacy=false', 'num_head_channels=48'],
      ),
      { argument: 'use_spatial_transformer', change: PLAIN_UNET, effect: 'keys' },
      ...rows(
        'output',
        ['dropout=0.5'],
        ['num_heads=4'],
        ['num_head_channels=8'],
        ['num_heads_upsample=4', ...PLAIN_UNET, 'attention_resolutions=[1, 2]'],
        ['legacy=false', ...PLAIN_UNET, 'attention_resolutions=[1, 2]', 'num_heads_upsample=4'],
        ['use_new_attention_order=true', ...PLAIN_UNET],
        ['enable_freeu=true', 'freeu_relative=true'],
        ['freeu_relative=true', 'enable_freeu=true'],
        ['b1=2', ...WIDE],
        ['s1=0.5', ...WIDE],
        ['b2=2', ...RELATIVE_FREEU],
        ['s2=0.5', ...RELATIVE_FREEU],
      ),
      ...rows(
        'same',
        ['image_size=16'],
        ['use_checkpoint=true'],
        ['num_heads_upsample=4'],
        ['use_new_attention_order=true'],
        ['legacy=false'],
        ['b2=2'],
      ),
      ...rows('refused', ['dims=3'], ['dims=1'], ['use_fp16=true']),
    ],
  },
  {
    target: TARGETS.autoencoder,
    params: VAE,
    rows: [
      ...rows(
        'keys',
        ['embed_dim=4'],
        ['colorize_nlabels=5'],
        ['ddconfig.ch=64'],
        ['ddconfig.num_res_blocks=2'],
        ['ddconfig.z_channels=4'],
        ['ddconfig.in_channels=4'],
        ['ddconfig.out_ch=4'],
        ['ddconfig.attn_resolutions=[4]'],
        ['ddconfig.attn_resolutions=[]'],
        ['ddconfig.resolution=16'],
        ['ddconfig.ch_mult=[1, 1]'],
        ['ddconfig.resamp_with_conv=false'],
        ['ddconfig.attn_type=none'],
        ['ddconfig.attn_type=linear'],
        ['ddconfig.use_linear_attn=true'],
      ),
      { argument: 'ddconfig', change: ['ddconfig.ch=96'], effect: 'keys' },
      {
        argument: 'lossconfig',
        change: [`lossconfig={target: ${TARGETS.vaeLoss}, params: {disc_start: 5}}`],
        effect: 'keys',
      },
      ...rows(
        'output',
        [CKPT],
        ['ignore_keys=[encoder]', CKPT],
        ['ddconfig.dropout=0.5'],
        ['ddconfig.tanh_out=true'],
        ['ddconfig.give_pre_end=true'],
      ),
      ...rows('same', ['ddconfig.resolution=16', 'ddconfig.attn_resolutions=[]'], ['ignore_keys=[encoder]']),
      ...rows(
        'elsewhere',
        ['image_key=picture'],
        ['monitor=val/rec_loss'],
        [`scheduler_config=${SCHEDULE}, f_start: [1], cycle_lengths: [5]}}`],
      ),
      ...rows('refused', ['ddconfig.double_z=false']),
    ],
  },
  {
    target: TARGETS.vaeLoss,
    params: { disc_start: 5, disc_num_layers: 1 },
    rows: [
      ...rows('keys', ['logvar_init=0.5'], ['disc_num_layers=2'], ['disc_in_channels=1'], ['use_actnorm=true']),
      ...rows(
        'output',
        ['disc_start=50'],
        ['kl_weight=2'],
        ['disc_weight=2'],
        ['perceptual_weight=0'],
        ['disc_factor=0'],
        ['disc_loss=vanilla'],
      ),
      ...rows('same', ['pixelloss_weight=5']),
      ...rows('refused', ['disc_conditional=true'], ['disc_loss=wgan']),
    ],
  },
  {
    target: TARGETS.discriminator,
    params: { n_layers: 1 },
    rows: rows('keys', ['input_nc=1'], ['ndf=32'], ['n_layers=2'], ['use_actnorm=true']),
  },
  {
    target: TARGETS.bert,
    params: { n_embed: 16, n_layer: 1, vocab_size: 200, max_seq_len: 6 },
    rows: [
      ...rows('keys', ['n_embed=32'], ['n_layer=2'], ['vocab_size=300'], ['max_seq_len=7']),
      ...rows('output', ['embedding_dropout=0.5']),
      ...rows('elsewhere', ['use_tokenizer=false']),
      ...rows('same', ['device=cpu']),
    ],
  },
  {
    target: TARGETS.segMaskEncoder,
    params: MASK,
    rows: [...rows('keys', ['mask_embed_dim=9'], ['context_dim=16']), ...rows('refused', ['seg_mask_encoder_config='])],
  },
  {
    target: TARGETS.latentDiffusion,
    params: {
      timesteps: 20,
      use_ema: false,
      conditioning_key: 'crossattn',
      unet_config: { target: TARGETS.unet, params: UNET },
      first_stage_config: { target: TARGETS.autoencoder, params: VAE },
      cond_stage_config: { target: TARGETS.segMaskEncoder, params: MASK },
    },
    rows: [
      { argument: 'unet_config', change: ['unet_config.params.num_res_blocks=2'], effect: 'keys' },
      { argument: 'first_stage_config', change: ['first_stage_config.params.ddconfig.ch=64'], effect: 'keys' },
      ...rows(
        'keys',
        ['timesteps=30'],
        ['scale_by_std=true'],
        ['beta_schedule=cosine'],
        ['linear_start=1e-3'],
        ['linear_end=0.1'],
        ['cosine_s=0.1', 'beta_schedule=cosine'],
        ['v_posterior=0.5'],
        ['learn_logvar=true'],
        ['use_ema=true'],
      ),
      ...rows(
        'output',
        ['conditioning_key=crossattn', 'conditioning_key='],
        ['concat_mode=false', 'conditioning_key='],
        // Without an encoder nothing gives the context that the UNet reads.
        ['cond_stage_config=__is_unconditional__'],
        // A mask's tokens cannot be concatenated to channels, another latent can.
        [
          'cond_stage_config=__is_first_stage__',
          'conditioning_key=concat',
          'unet_config.params.in_channels=6',
          ...PLAIN_LDM_UNET,
        ],
        ['num_timesteps_cond=5'],
        ['cond_stage_trainable=true'],
        ['scale_factor=0.5'],
        [CKPT],
        ['ignore_keys=[model]', CKPT],
        ['original_elbo_weight=1'],
        ['l_simple_weight=2'],
        ['loss_type=l1'],
        ['parameterization=x0'],
        ['logvar_init=1'],
      ),
      ...rows(
        'elsewhere',
        ['cond_stage_key=seg_mask'],
        ['first_stage_key=picture'],
        ['monitor=val/loss_simple'],
        ['image_size=64'],
        ['channels=4'],
        ['log_every_t=50'],
        [`scheduler_config=${SCHEDULE}, f_start: [1], cycle_lengths: [5]}}`],
        // Both names of the one method that the encoders have.
        ['cond_stage_forward=forward'],
      ),
      ...rows(
        'same',
        ['load_only_unet=true'],
        ['clip_denoised=false'],
        ['concat_mode=false'],
        ['ignore_keys=[model]'],
        ['linear_start=1e-3', 'beta_schedule=cosine'],
      ),
      ...rows(
        'refused',
        ['given_betas=[0.1, 0.2]'],
        ['use_positional_encodings=true'],
        ['cond_stage_forward=embed'],
        ['parameterization=v'],
        ['loss_type=huber'],
      ),
    ],
  },
  {
    target: TARGETS.resBlock,
    params: RES,
    rows: [
      ...rows('keys', ['channels=64'], ['emb_channels=8'], ['out_channels=64'], ['use_scale_shift_norm=true']),
      ...rows('keys', ['use_conv=true', 'out_channels=64']),
      ...rows('output', ['dropout=0.5'], ['up=true'], ['down=true']),
      ...rows('same', ['use_checkpoint=true'], ['use_conv=true'], ['down=true', 'up=true']),
      ...rows('refused', ['dims=3']),
    ],
  },
  {
    target: TARGETS.attentionBlock,
    params: { channels: 32, num_heads: 2 },
    rows: [
      ...rows('keys', ['channels=64']),
      ...rows('output', ['num_heads=4'], ['num_head_channels=8'], ['use_new_attention_order=true']),
      ...rows('same', ['use_checkpoint=true'], ['num_heads=4', 'num_head_channels=8']),
    ],
  },
  {
    target: TARGETS.downsample,
    params: { channels: 32, use_conv: true },
    rows: [
      ...rows('keys', ['channels=64'], ['use_conv=false'], ['out_channels=64']),
      ...rows('output', ['padding=0']),
      ...rows('refused', ['dims=3'], ['out_channels=64', 'use_conv=false']),
    ],
  },
  {
    target: TARGETS.upsample,
    params: { channels: 32, use_conv: true },
    rows: [
      ...rows('keys', ['channels=64'], ['use_conv=false'], ['out_channels=64']),
      ...rows('output', ['padding=0']),
      ...rows('refused', ['dims=3']),
    ],
  },
  {
    target: TARGETS.spatialTransformer,
    params: { in_channels: 32, n_heads: 2, d_head: 4, context_dim: 8 },
    rows: [
      ...rows('keys', ['in_channels=64'], ['d_head=8'], ['n_heads=4'], ['depth=2'], ['context_dim=16']),
      ...rows('output', ['dropout=0.5']),
      { argument: 'n_heads', change: ['n_heads=4', 'd_head=2'], effect: 'output' },
    ],
  },
  {
    target: TARGETS.basicTransformerBlock,
    params: { dim: 16, n_heads: 2, d_head: 4, context_dim: 8 },
    rows: [
      ...rows('keys', ['dim=32'], ['n_heads=4'], ['d_head=8'], ['context_dim='], ['gated_ff=false']),
      ...rows('output', ['dropout=0.5']),
      ...rows('same', ['checkpoint=false']),
    ],
  },
  { target: TARGETS.geglu, params: { dim_in: 16, dim_out: 8 }, rows: rows('keys', ['dim_in=8'], ['dim_out=4']) },
  {
    target: TARGETS.vaeResnetBlock,
    params: { in_channels: 32, dropout: 0, temb_channels: 16 },
    rows: [
      ...rows('keys', ['in_channels=64'], ['out_channels=64'], ['temb_channels=0']),
      ...rows('keys', ['conv_shortcut=true', 'out_channels=64']),
      ...rows('output', ['dropout=0.5']),
      ...rows('same', ['conv_shortcut=true']),
    ],
  },
  { target: TARGETS.vaeAttnBlock, params: { in_channels: 32 }, rows: rows('keys', ['in_channels=64']) },
  {
    target: TARGETS.vaeDownsample,
    params: { in_channels: 32, with_conv: true },
    rows: rows('keys', ['in_channels=64'], ['with_conv=false']),
  },
  {
    target: TARGETS.layerNorm,
    params: { normalized_shape: [8] },
    rows: [...rows('keys', ['normalized_shape=[4, 8]']), ...rows('output', ['eps=0.1'])],
  },
  {
    target: TARGETS.groupNorm,
    params: { num_groups: 4, num_channels: 32 },
    rows: [...rows('keys', ['num_channels=64']), ...rows('output', ['num_groups=8'], ['eps=0.1'])],
  },
];
