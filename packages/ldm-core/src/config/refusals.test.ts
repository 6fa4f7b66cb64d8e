import { describe, expect, test } from 'vitest';
import { Scope } from '../nn/scope.js';
import { applyOverrides } from './overrides.js';
import { roles } from './roles.js';
import { TARGETS } from './target-ids.js';
import { ldmRegistry } from './targets.js';

const unet = {
  image_size: 16,
  in_channels: 3,
  out_channels: 3,
  model_channels: 64,
  attention_resolutions: [2],
  num_res_blocks: 1,
  channel_mult: [1, 2],
  num_heads: 8,
  use_spatial_transformer: true,
  context_dim: 32,
};
const vae = {
  embed_dim: 3,
  lossconfig: { target: TARGETS.identity },
  ddconfig: {
    double_z: true,
    z_channels: 3,
    resolution: 32,
    in_channels: 3,
    out_ch: 3,
    ch: 32,
    ch_mult: [1, 2],
    num_res_blocks: 1,
    attn_resolutions: [],
  },
};
const bert = { n_embed: 32, n_layer: 1 };
const vaeWithLoss = { ...vae, lossconfig: { target: TARGETS.vaeLoss, params: { disc_start: 5 } } };
const mask = { seg_mask_encoder_config: { target: TARGETS.passSegMaskEncoder } };
const ldm = {
  timesteps: 1000,
  conditioning_key: 'crossattn',
  unet_config: { target: TARGETS.unet, params: unet },
  first_stage_config: { target: TARGETS.autoencoder, params: vae },
  cond_stage_config: { target: TARGETS.bert, params: bert },
};

/** Problems of a node with overrides below its params, as `path: message (suggestion)`. */
function problems(target: string, params: object, overrides: readonly string[]): string[] {
  const changed = applyOverrides({ ...params }, overrides);
  const role = ldmRegistry.targets.find(({ id }) => id === target)!.roles[0]!.name;
  return ldmRegistry
    .problems({ target, params: changed }, role, '')
    .map(({ path, message, suggestion }) => `${path.replace(/^params\./, '')}: ${message} (${suggestion})`);
}

test('what the refusals start from is accepted, and unknown keys where they are ignored', () => {
  expect(problems(TARGETS.autoencoder, vae, ['ddconfig.give=1', 'lossconfig.params.any=1'])).toEqual([]);

  // 2 heads of 48 leave 32 of 128 channels out; `legacy` widens them to 64.
  expect(problems(TARGETS.unet, unet, ['num_heads=-1', 'num_head_channels=48'])).toEqual([]);
  expect(problems(TARGETS.unet, unet, [])).toEqual([]);
  expect(problems(TARGETS.autoencoder, vaeWithLoss, [])).toEqual([]);
  expect(problems(TARGETS.segMaskEncoder, mask, [])).toEqual([]);
  expect(problems(TARGETS.latentDiffusion, ldm, [])).toEqual([]);
});

describe.each<[string, string, object, readonly (readonly [string, string])[]]>([
  [
    'UNetModel',
    TARGETS.unet,
    unet,
    [
      [
        'use_fp16=true',
        'use_fp16: only false works: the weights stay float32, so the first convolution fails; got true (set it to false, or remove it)',
      ],
      ['dims=3', 'dims: only 2 works: networks of 1 or 3 dimensions refuse images; got 3 (set it to 2, or remove it)'],
      ['model_channels=48', 'model_channels: 48 channels cannot be split into the 32 groups of GroupNorm (use 64)'],
      [
        'attention_resolutions=[2, 4]',
        'attention_resolutions[1]: downsampling factor 4 is never reached: 2 levels have 1, 2 (use one of 1, 2, or another number of levels in channel_mult)',
      ],
      ['attention_resolutions=[3]', 'attention_resolutions[0]: downsampling factor 3 is never reached'],
      ['channel_mult=[]', 'channel_mult: wanted at least one level; got []'],
      ['channel_mult=[1, 1.5]', 'channel_mult[1]: wanted a positive whole number; got 1.5'],
      ['num_heads=-1', 'num_heads: neither num_heads nor num_head_channels is given (set one of the two)'],
      ['num_heads=0', 'num_heads: wanted a positive whole number, or -1 for "not given"; got 0'],
      [
        'num_heads=7',
        'num_heads: 7 heads do not divide the 128 channels of an attention layer (use a common divisor of 128)',
      ],
      ['num_head_channels=40', 'num_head_channels: heads of 40 channels'],
      ['num_head_channels=256', 'num_head_channels: heads of 256 channels do not divide the 128 channels'],
      ['context_dim=', 'context_dim: use_spatial_transformer is true, so the width of the context must be given'],
      ['use_spatial_transformer=false', 'context_dim: context_dim is 32, but nothing reads a context'],
      ['dropout=1.5', 'dropout: wanted a probability, 0 to 1; got 1.5'],
      ['num_classes=0', 'num_classes: wanted a positive whole number; got 0'],
      ['image_size=', 'image_size: wanted a size; got null'],
      ['use_checkpoint=maybe', 'use_checkpoint: wanted true or false; got "maybe"'],
      ['s1=low', 's1: wanted a number; got "low"'],
    ],
  ],
  [
    'UNetModel without spatial transformer',
    TARGETS.unet,
    { ...unet, use_spatial_transformer: false, context_dim: null },
    [
      ['num_head_channels=48', 'num_head_channels: heads of 48 channels do not divide the 128 channels'],
      ['num_heads_upsample=6', 'num_heads_upsample: 6 heads do not divide the 128 channels'],
    ],
  ],
  [
    'AutoencoderKL',
    TARGETS.autoencoder,
    vaeWithLoss,
    [
      [
        'ddconfig.double_z=false',
        'ddconfig.double_z: only true works: the encoder must give mean and log-variance; got false',
      ],
      ['ddconfig.droput=0.1', "ddconfig.droput: unknown key 'droput' (did you mean 'dropout'?)"],
      ['ddconfig.ch=48', 'ddconfig.ch: 48 channels cannot be split into the 32 groups of GroupNorm'],
      [
        'ddconfig.attn_resolutions=[8]',
        'ddconfig.attn_resolutions[0]: a feature map of size 8 is never reached: 2 levels from 32 have 32, 16',
      ],
      [
        'ddconfig.attn_type=linaer',
        'ddconfig.attn_type: wanted one of vanilla, none, linear; got "linaer" (did you mean \'linear\'?)',
      ],
      [
        'ddconfig.out_ch=1',
        'ddconfig.out_ch: reconstructions of 1 channels cannot be compared with images of 3 (use 3)',
      ],
      ['ddconfig.give_pre_end=true', 'ddconfig.give_pre_end: the decoder gives features instead of images'],
      [
        'lossconfig.params.disc_in_channels=1',
        'lossconfig.params.disc_in_channels: the discriminator takes 1 channels, and the images have 3 (use 3)',
      ],
      [
        'lossconfig.params.disc_conditional=true',
        'lossconfig.params.disc_conditional: only false works: the training step passes no condition to the discriminator; got true',
      ],
      [
        'lossconfig.params.disc_loss=hing',
        'lossconfig.params.disc_loss: wanted one of hinge, vanilla; got "hing" (did you mean \'hinge\'?)',
      ],
      ['lossconfig.params.disc_start=-1', 'lossconfig.params.disc_start: wanted a whole number of at least 0; got -1'],
      ['lossconfig.target=torch.nn.GELU', "lossconfig.target: 'torch.nn.GELU' cannot stand here"],
      ['ddconfig=3', 'ddconfig: wanted a mapping; got 3'],
      ['ckpt_path=3', 'ckpt_path: wanted a text; got 3'],
      ['ignore_keys=loss', 'ignore_keys: wanted a list of key prefixes; got "loss"'],
    ],
  ],
  [
    'condition encoders',
    TARGETS.segMaskEncoder,
    mask,
    [
      ['seg_mask_encoder_config=', 'seg_mask_encoder_config: wanted a mapping {target, params}; got null'],
      [
        'seg_mask_encoder_config.params.x=1',
        "seg_mask_encoder_config.params.x: unknown key 'x' (no keys are known here)",
      ],
    ],
  ],
  ['BERTEmbedder', TARGETS.bert, bert, [['vocab_size=50', 'vocab_size: the tokenizer ends every text with id 102']]],
  [
    'LatentDiffusion',
    TARGETS.latentDiffusion,
    ldm,
    [
      ['timesteps=1', 'timesteps: wanted a whole number of at least 2; got 1'],
      [
        'num_timesteps_cond=1001',
        'num_timesteps_cond: 1001 noise levels of the condition do not fit in 1000 timesteps (use at most 1000)',
      ],
      [
        'given_betas=[0.1, 0.2]',
        'given_betas: only null works: a list in a file is not the array that is asked for; got [0.1,0.2]',
      ],
      ['use_positional_encodings=true', 'use_positional_encodings: only false works: its helper is missing; got true'],
      [
        'conditioning_key=crossatn',
        'conditioning_key: wanted one of concat, crossattn, hybrid, adm; got "crossatn" (did you mean \'crossattn\'?)',
      ],
      ['loss_type=l3', 'loss_type: wanted one of l1, l2; got "l3"'],
      ['parameterization=v', 'parameterization: wanted one of eps, x0; got "v"'],
      [
        'beta_schedule=cosin',
        'beta_schedule: wanted one of linear, cosine, sqrt_linear, sqrt; got "cosin" (did you mean \'cosine\'?)',
      ],
      ['cond_stage_forward=embed', 'cond_stage_forward: wanted one of encode, forward; got "embed"'],
      ['linear_start=0', 'linear_start: a variance of noise of 0 (use a number between 0 and 1)'],
      ['v_posterior=2', 'v_posterior: wanted a number from 0 to 1; got 2'],
      [
        'cond_stage_config=__is_first_stag__',
        'cond_stage_config: wanted a mapping {target, params}, or __is_first_stage__ or __is_unconditional__; got "__is_first_stag__"',
      ],
      [
        'unet_config.params.context_dim=64',
        'unet_config.params.context_dim: the UNet reads a context of width 64, and cond_stage_config gives 32 (use 32)',
      ],
      [
        'unet_config.params.in_channels=4',
        'unet_config.params.in_channels: the UNet takes 4 channels, and the latent has 3',
      ],
      [
        'unet_config.params.out_channels=4',
        'unet_config.params.out_channels: the UNet predicts 4 channels, and the latent has 3',
      ],
      [
        'unet_config.params.num_classes=10',
        'unet_config.params.num_classes: the UNet wants class labels, and conditioning_key crossattn passes none',
      ],
      [
        'unet_config.target=ldm.modules.diffusionmodules.openaimodel.UnetModel',
        "unet_config.target: unknown target 'ldm.modules.diffusionmodules.openaimodel.UnetModel' (did you mean 'ldm.modules.diffusionmodules.openaimodel.UNetModel'?)",
      ],
      ['conditioning_key=concat', 'unet_config.params.context_dim: conditioning_key concat passes no context'],
      ['monitor=3', 'monitor: wanted a text; got 3'],
    ],
  ],
])('%s refuses', (_, target, params, cases) => {
  test.each(cases)('%s', (override, wanted) => {
    const found = problems(target, params, [override]);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(wanted);
    expect(found[0]).not.toContain('undefined');
  });
});

describe('LatentDiffusion refuses what only the sum of two arguments breaks', () => {
  test.each([
    [['scale_by_std=true', 'scale_factor=0.5'], 'scale_factor: scale_by_std measures the factor'],
    [
      [
        'cond_stage_config=__is_first_stage__',
        'cond_stage_trainable=true',
        'conditioning_key=concat',
        'unet_config.params.use_spatial_transformer=false',
        'unet_config.params.context_dim=',
        'unet_config.params.in_channels=6',
      ],
      'cond_stage_trainable: cond_stage_config is __is_first_stage__, so there is no encoder to train',
    ],
    [
      [
        'cond_stage_config=__is_first_stage__',
        'cond_stage_forward=encode',
        'conditioning_key=concat',
        'unet_config.params.use_spatial_transformer=false',
        'unet_config.params.context_dim=',
        'unet_config.params.in_channels=6',
      ],
      "cond_stage_forward: the autoencoder's 'encode' gives no condition",
    ],
    [['cond_stage_config=__is_first_stage__'], 'cond_stage_config: cross-attention needs tokens'],
    [
      [
        'conditioning_key=concat',
        'unet_config.params.use_spatial_transformer=false',
        'unet_config.params.context_dim=',
      ],
      'cond_stage_config: conditioning_key concat puts the condition beside the channels of the latent',
    ],
    [
      ['conditioning_key=adm', 'unet_config.params.use_spatial_transformer=false', 'unet_config.params.context_dim='],
      'unet_config.params.num_classes: conditioning_key adm passes class labels, and the UNet takes none',
    ],
  ])('%j', (overrides, wanted) => {
    const found = problems(TARGETS.latentDiffusion, ldm, overrides);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(wanted);
  });

  test('and accepts the other conditionings where they fit', () => {
    const plain = ['unet_config.params.use_spatial_transformer=false', 'unet_config.params.context_dim='];
    const accepted = [
      ['cond_stage_config=__is_unconditional__', ...plain],
      ['cond_stage_config=__is_unconditional__', 'unet_config.params.context_dim=128'],
      ['cond_stage_config=__is_first_stage__', 'conditioning_key=', 'unet_config.params.in_channels=6', ...plain],
      ['conditioning_key=adm', 'unet_config.params.num_classes=10', ...plain],
      ['conditioning_key=hybrid', 'unet_config.params.in_channels=7'],
      ['conditioning_key=', 'concat_mode=false'],
      ['scale_by_std=true'],
      ['beta_schedule=cosine', 'linear_start=0'],
    ];
    for (const overrides of accepted) expect(problems(TARGETS.latentDiffusion, ldm, overrides)).toEqual([]);
  });
});

describe('layers refuse', () => {
  test.each<[string, object, string]>([
    [TARGETS.resBlock, { channels: 48, emb_channels: 64, dropout: 0 }, 'channels: 48 channels cannot be split'],
    [
      TARGETS.resBlock,
      { channels: 64, emb_channels: 64, dropout: 0, out_channels: 40 },
      'out_channels: 40 channels cannot',
    ],
    [
      TARGETS.attentionBlock,
      { channels: 64, num_heads: 3 },
      'num_heads: 3 heads do not divide 64 channels (use a divisor of 64)',
    ],
    [
      TARGETS.attentionBlock,
      { channels: 64, num_head_channels: 24 },
      'num_head_channels: heads of 24 channels do not divide 64',
    ],
    [
      TARGETS.downsample,
      { channels: 64, use_conv: false, out_channels: 32 },
      'out_channels: pooling cannot turn 64 channels into 32',
    ],
    [TARGETS.spatialTransformer, { in_channels: 40, n_heads: 4, d_head: 16 }, 'in_channels: 40 channels cannot'],
    [TARGETS.vaeAttnBlock, { in_channels: 40 }, 'in_channels: 40 channels cannot'],
    [TARGETS.vaeResnetBlock, { in_channels: 40, dropout: 0 }, 'in_channels: 40 channels cannot'],
    [TARGETS.groupNorm, { num_groups: 3, num_channels: 64 }, 'num_groups: 3 groups do not divide 64 channels'],
    [TARGETS.layerNorm, { normalized_shape: [] }, 'normalized_shape: wanted a list of positive whole numbers; got []'],
    [TARGETS.geglu, { dim_in: 4 }, 'dim_out: is required (wanted a positive whole number)'],
  ])('%s %j', (target, params, wanted) => {
    const found = problems(target, params, []);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(wanted);
  });
});

test('several problems of one model come together, whatever part they are in', () => {
  const found = problems(TARGETS.latentDiffusion, ldm, [
    'use_emma=false',
    'loss_type=l3',
    'unet_config.params.num_heads=7',
    'unet_config.params.use_fp16=true',
    'first_stage_config.params.ddconfig.ch=40',
    'cond_stage_config.params.n_layers=2',
    'cond_stage_config.params.n_embed=48',
  ]);
  expect(found.map((problem) => problem.split(': ')[0]).sort()).toEqual([
    'cond_stage_config.params.n_layers',
    'first_stage_config.params.ddconfig.ch',
    'loss_type',
    'unet_config.params.context_dim',
    'unet_config.params.num_heads',
    'unet_config.params.use_fp16',
    'use_emma',
  ]);
});

test('a node is built only if all of it is valid', () => {
  const node = { target: TARGETS.unet, params: { ...unet, num_heads: 7 } };
  expect(() => ldmRegistry.build(node, roles.unet, Scope.root())).toThrow('7 heads do not divide');
  const scope = Scope.root();
  ldmRegistry.build({ target: TARGETS.autoencoder, params: vaeWithLoss }, roles.firstStage, scope.at('vae'));
  expect(scope.specs.has('vae.loss.discriminator.main.0.weight')).toBe(true);
  expect(scope.specs.has('vae.quant_conv.weight')).toBe(true);
});

describe('a learning-rate schedule', () => {
  const id = 'ldm.lr_scheduler.LambdaLinearScheduler';
  const params = { warm_up_steps: [10], cycle_lengths: [110], f_start: [0], f_max: [1], f_min: [0.5] };

  test('is built from a config', () => {
    const factor = ldmRegistry.build({ target: id, params }, roles.lrSchedule, Scope.root());
    expect([0, 5, 10, 60, 110].map(factor)).toEqual([0, 0.5, 1, 0.75, 0.5]);
  });

  test.each([
    ['f_min=[]', 'f_min: 0 entries for 1 cycles (give 1)'],
    ['f_max=[-1]', 'f_max[0]: wanted a factor of at least 0; got -1'],
    [
      'warm_up_steps=[200]',
      'warm_up_steps[0]: a warm-up of 200 steps does not fit in a cycle of 110 (use at most 110)',
    ],
    ['cycle_lengths=[]', 'cycle_lengths: wanted at least one cycle; got []'],
  ])('refuses %s', (override, wanted) => {
    expect(problems(id, params, [override])).toContainEqual(expect.stringContaining(wanted));
  });

  test('is an argument of a diffusion model', () => {
    const node = JSON.stringify({ target: id, params });
    expect(problems(TARGETS.latentDiffusion, ldm, [`scheduler_config=${node}`])).toEqual([]);
    expect(problems(TARGETS.latentDiffusion, ldm, ['scheduler_config={target: torch.nn.GELU}'])).toHaveLength(1);
  });
});
