import { dumpYaml, isTree, parseYamlFile } from '@codiff/ldm-core';
import { loadConfig } from '@codiff/ldm-core/node';
import { describe, expect, test } from 'vitest';
import { checkTrainingConfig, trainerRegistry, withLightningDefaults } from '../src/index.js';
import { NAMES, ROOT, readConfig, readTree } from './configs.js';

type Leaves = Readonly<Record<string, unknown>>;

/** Every value of a config by its dotted path; lists and empty mappings are values. */
function leaves(tree: unknown, path = ''): Record<string, unknown> {
  if (!isTree(tree) || Object.keys(tree).length === 0) return { [path]: tree };
  const below = Object.entries(tree).map(([key, value]) => leaves(value, path === '' ? key : `${path}.${key}`));
  return Object.assign({}, ...below);
}

const under = (prefix: string, table: Leaves): Leaves =>
  Object.fromEntries(Object.entries(table).map(([key, value]) => [`${prefix}.${key}`, value]));

const DATASET = 'ldm.data.celebahq.CelebAConditionalDataset';
const PREPROCESSOR = 'ldm.data.celebahq.DalleTransformerPreprocessor';
const UNET = 'ldm.modules.diffusionmodules.openaimodel.UNetModel';

// What follows is section 2 of the specification, table by table.

const ddconfig = (size: number): Leaves => ({
  double_z: true,
  z_channels: 3,
  resolution: size,
  in_channels: 3,
  out_ch: 3,
  ch: 128,
  ch_mult: size === 512 ? [1, 2, 4, 4] : [1, 2, 4],
  num_res_blocks: 2,
  attn_resolutions: [],
  dropout: 0,
});

const unet = (modelChannels: number, outChannels: number): Leaves => ({
  target: UNET,
  'params.image_size': 64,
  'params.in_channels': 3,
  'params.out_channels': outChannels,
  'params.model_channels': modelChannels,
  'params.attention_resolutions': [8, 4, 2],
  'params.num_res_blocks': 2,
  'params.channel_mult': [1, 2, 3, 5],
  'params.num_heads': 32,
  'params.use_spatial_transformer': true,
  'params.transformer_depth': 1,
  'params.context_dim': 640,
  'params.use_checkpoint': true,
  'params.legacy': false,
});

function data(size: number, batchSize: number, conditions: readonly string[]): Leaves {
  const split = (phase: string, preprocessing: string): Leaves => ({
    target: DATASET,
    'params.phase': phase,
    'params.im_preprocessor_config.target': PREPROCESSOR,
    'params.im_preprocessor_config.params.size': size,
    'params.im_preprocessor_config.params.phase': preprocessing,
    'params.test_dataset_size': 3000,
    'params.conditions': conditions,
    ...(size === 256 ? { 'params.image_folder': 'datasets/image_256_downsampled_from_hq_1024' } : {}),
  });
  return under('data', {
    target: 'main.DataModuleFromConfig',
    'params.batch_size': batchSize,
    'params.wrap': true,
    ...under('params.train', split('train', 'train')),
    ...under('params.validation', split('test', 'val')),
  });
}

const lightning = (increaseLogSteps: boolean, trainer: Leaves): Leaves =>
  under('lightning', {
    'callbacks.image_logger.target': 'main.ImageLogger',
    'callbacks.image_logger.params.batch_frequency': 1000,
    'callbacks.image_logger.params.max_images': 8,
    'callbacks.image_logger.params.increase_log_steps': increaseLogSteps,
    ...under('trainer', trainer),
  });

const vae = (size: number): Leaves => ({
  'model.base_learning_rate': 4.5e-6,
  'model.target': 'ldm.models.autoencoder.AutoencoderKL',
  'model.params.monitor': 'val/rec_loss',
  'model.params.embed_dim': 3,
  'model.params.lossconfig.target': 'ldm.modules.losses.LPIPSWithDiscriminator',
  'model.params.lossconfig.params.disc_start': 50001,
  'model.params.lossconfig.params.kl_weight': 1e-6,
  'model.params.lossconfig.params.disc_weight': 0.5,
  ...under('model.params.ddconfig', ddconfig(size)),
  ...data(size, size === 512 ? 2 : 8, []),
  ...lightning(true, { benchmark: true, accumulate_grad_batches: 2 }),
});

const diffusion = (size: number): Leaves => ({
  linear_start: 0.0015,
  linear_end: 0.0195,
  timesteps: 1000,
  num_timesteps_cond: 1,
  log_every_t: 200,
  first_stage_key: 'image',
  image_size: 64,
  channels: 3,
  cond_stage_trainable: true,
  conditioning_key: 'crossattn',
  scale_factor: size === 512 ? 0.141 : 0.058,
  use_ema: false,
});

const unimodal = (size: number, kind: 'text' | 'mask'): Leaves => ({
  'model.base_learning_rate': size === 512 && kind === 'mask' ? 1e-6 : 2e-6,
  'model.target': 'ldm.models.diffusion.ddpm.LatentDiffusion',
  ...under('model.params', diffusion(size)),
  'model.params.cond_stage_key': kind === 'text' ? 'caption' : 'seg_mask',
  'model.params.monitor': size === 512 && kind === 'mask' ? 'val/loss_simple' : 'val/loss_simple_ema',
  ...under('model.params.unet_config', unet(192, 3)),
  ...under('model.params.first_stage_config', {
    target: 'ldm.models.autoencoder.AutoencoderKL',
    'params.embed_dim': 3,
    'params.monitor': 'val/rec_loss',
    'params.ckpt_path': `pretrained/${size}_vae.ckpt`,
    ...under('params.ddconfig', ddconfig(size)),
    'params.lossconfig.target': 'torch.nn.Identity',
  }),
  ...under(
    'model.params.cond_stage_config',
    kind === 'text'
      ? { target: 'ldm.modules.encoders.modules.BERTEmbedder', 'params.n_embed': 640, 'params.n_layer': 32 }
      : {
          target: 'ldm.modules.encoders.modules.SegMaskEncoder',
          'params.seg_mask_encoder_config.target': 'ldm.modules.encoders.modules.PassSegMaskEncoder',
          'params.seg_mask_encoder_config.params': {},
          'params.mask_embed_dim': 1024,
          'params.context_dim': 640,
        },
  ),
  ...data(size, 8, [kind === 'text' ? 'text' : 'seg_mask']),
  ...lightning(false, { benchmark: true }),
});

const codiff = (size: number): Leaves => ({
  'model.base_learning_rate': 2e-6,
  'model.target': 'ldm.models.diffusion.ddpm_compose.LatentDiffusionCompose',
  ...under('model.params', {
    ...diffusion(size),
    cond_stage_key: 'conditions',
    monitor: 'val/loss_simple',
    seg_mask_ldm_config_path: `configs/${size}_mask.yaml`,
    seg_mask_ldm_ckpt_path: `pretrained/${size}_mask.ckpt`,
    text_ldm_config_path: `configs/${size}_text.yaml`,
    text_ldm_ckpt_path: `pretrained/${size}_text.ckpt`,
    'compose_unet_config.target': 'ldm.models.diffusion.compose_modules.ComposeUNet',
    'compose_unet_config.params.confidence_conditioning_key': 'crossattn',
    'compose_unet_config.params.confidence_input': 'x_t',
    ...under('compose_unet_config.params.confidence_map_predictor_config', unet(32, 1)),
    'compose_cond_stage_config.target': 'ldm.models.diffusion.compose_modules.ComposeCondStageModel',
    'compose_cond_stage_config.params': {},
  }),
  ...data(size, 8, ['text', 'seg_mask']),
  ...lightning(false, { benchmark: true }),
});

const tables: Readonly<Record<string, Leaves>> = {
  '512_vae': vae(512),
  '256_vae': vae(256),
  '512_text': unimodal(512, 'text'),
  '256_text': unimodal(256, 'text'),
  '512_mask': unimodal(512, 'mask'),
  '256_mask': unimodal(256, 'mask'),
  '512_codiff_mask_text': codiff(512),
  '256_codiff_mask_text': codiff(256),
};

describe.each(NAMES)('%s', (name) => {
  test('holds every key of section 2 with its value, and no other', () => {
    expect(leaves(readTree(`configs/${name}.yaml`))).toEqual(tables[name]);
  });

  test('passes whole: model, data, callbacks and trainer', () => {
    const config = checkTrainingConfig(readConfig(name));
    expect(config.model.base_learning_rate).toBe(tables[name]!['model.base_learning_rate']);
    expect(config).toMatchObject({ lightning: { callbacks: { cuda_callback: { target: 'main.CUDACallback' } } } });
  });

  test('comes back from JSON and YAML with the same content', () => {
    const config = readConfig(name);
    expect(JSON.parse(JSON.stringify(config))).toEqual(config);
    expect(parseYamlFile(dumpYaml(config), 'again.yaml')).toEqual(config);
  });

  test('loads from disk, with the files that it names', async () => {
    const options = { registry: trainerRegistry, check: checkTrainingConfig, root: ROOT };
    expect(await loadConfig(`configs/${name}.yaml`, options)).toEqual(withLightningDefaults(readConfig(name)));
  });
});
