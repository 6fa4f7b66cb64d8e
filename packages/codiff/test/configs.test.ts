import { readFileSync } from 'node:fs';
import {
  applyOverrides,
  type ConfigTree,
  camelize,
  fields,
  isTree,
  parseObject,
  parseYamlFile,
  snakeize,
} from '@codiff/ldm-core';
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import {
  COMPOSE_TARGETS,
  ComposeCondStageConfig,
  ComposeUNetConfig,
  ConfidenceSamplerConfig,
  codiffRegistry,
  LatentDiffusionComposeConfig,
} from '../src/index.js';

const R = Symbol('required');
const IGNORED = Symbol('ignored');
const ABSENT = Symbol('refused');

const conditions = ['seg_mask', 'text'];
const mix = {
  softmax_twice: false,
  boost_factor: 1,
  manual_prob: 1,
  return_confidence_map: false,
  return_each_branch: false,
};

describe('every argument of sections 19.2 and 19.3 is there, with its default and its status', () => {
  test.each<[string, z.ZodObject, Readonly<Record<string, unknown>>]>([
    [
      'LatentDiffusionCompose',
      LatentDiffusionComposeConfig,
      {
        first_stage_config: IGNORED,
        cond_stage_config: IGNORED,
        conditioning_key: IGNORED,
        concat_mode: IGNORED,
        unet_config: ABSENT,
        conditions,
        text_ldm_config_path: null,
        text_ldm_ckpt_path: null,
        seg_mask_ldm_config_path: null,
        seg_mask_ldm_ckpt_path: null,
        sketch_ldm_config_path: null,
        sketch_ldm_ckpt_path: null,
        compose_unet_config: R,
        compose_cond_stage_config: R,
        cond_stage_trainable: false,
        use_ema: true,
        learn_logvar: false,
        // The rest is as in 19.1.
        timesteps: R,
        num_timesteps_cond: 1,
        cond_stage_key: 'image',
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
        logvar_init: 0,
        monitor: 'val/loss',
        first_stage_key: 'image',
        image_size: 256,
        channels: 3,
        log_every_t: 100,
        clip_denoised: IGNORED,
        scheduler_config: null,
        use_positional_encodings: false,
      },
    ],
    [
      'ComposeUNet',
      ComposeUNetConfig,
      {
        confidence_map_predictor_config: R,
        confidence_conditioning_key: 'crossattn',
        confidence_input: 'unet_output',
        seg_mask_scale_factor: null,
        seg_mask_schedule: null,
        ...mix,
        conditions,
        // Ours: ablations.
        influence: { constantOver: null },
      },
    ],
    ['ComposeCondStageModel', ComposeCondStageConfig, { conditions }],
    [
      'DDIMConfidenceSampler',
      ConfidenceSamplerConfig,
      { schedule: IGNORED, seg_mask_scale_factor: 2, seg_mask_schedule: 'cosine_decay', ...mix, conditions },
    ],
  ])('%s', (_, schema, table) => {
    const shape = schema.shape as Record<string, z.ZodType>;
    expect(Object.keys(shape).map(snakeize).sort()).toEqual(Object.keys(table).sort());
    const defaults: Readonly<Record<string, unknown>> = parseObject(schema, {}, '', { problem: () => {} }).fields;
    for (const [key, says] of Object.entries(table)) {
      const field = camelize(key);
      const { ignored, absent } = fields.notesOf(shape[field]!);
      const status = !(field in defaults)
        ? R
        : ignored !== undefined
          ? IGNORED
          : absent !== undefined
            ? ABSENT
            : defaults[field];
      expect({ key, status }).toEqual({ key, status: says });
    }
  });
});

const url = new URL('../../parity/fixtures/compose_unet/config.yaml', import.meta.url);
const fixture = parseYamlFile(readFileSync(url, 'utf8'), 'compose_unet');

/** Problems of the fixture's model with overrides, as `[file: ]path: message`; `files.` reaches into the branch configs. */
function problems(overrides: readonly string[]): string[] {
  // Names of files hold dots, so overrides reach them under other names.
  const { model_files, model } = fixture as { model_files: Record<string, ConfigTree>; model: ConfigTree };
  const tree = applyOverrides({ model, mask: model_files['mask.yaml'], text: model_files['text.yaml'] }, overrides);
  const files = { 'mask.yaml': tree.mask, 'text.yaml': tree.text };
  return codiffRegistry
    .problems(tree.model, 'model', 'model', { files })
    .map(({ file, path, message }) => `${file === undefined ? '' : `${file}: `}${path}: ${message}`);
}

const UNET = 'model.params.compose_unet_config.params';
const PREDICTOR = `${UNET}.confidence_map_predictor_config.params`;

describe('LatentDiffusionCompose', () => {
  test('is accepted as the parity case has it, and with the values that the tables allow', () => {
    expect(isTree(fixture.model)).toBe(true);
    for (const overrides of [
      [],
      ['model.params.first_stage_config={target: nowhere}', 'model.params.conditioning_key=anything'],
      ['model.params.conditions=[text, seg_mask]'],
      [`${UNET}.seg_mask_schedule=linear_decay`, `${UNET}.confidence_input=unet_output`],
      [`${UNET}.influence={constant_over: time}`],
      [`${UNET}.influence.constant_over=space`],
      [`${UNET}.influence={}`],
    ]) {
      expect(problems(overrides)).toEqual([]);
    }
  });

  test.each([
    ['model.params.unet_config={}', 'model.params.unet_config: must not be given: the UNets come from the branches'],
    [
      'model.params.learn_logvar=true',
      'model.params.learn_logvar: only false works: only the dynamic diffusers may train',
    ],
    ['model.params.text_ldm_config_path=', "model.params.text_ldm_config_path: the branch 'text' has no config"],
    [
      'model.params.text_ldm_config_path=texts.yaml',
      "model.params.text_ldm_config_path: names the config 'texts.yaml', which was not given along",
    ],
    [
      'model.params.conditions=[text]',
      'model.params.conditions: wanted [seg_mask, text] or [seg_mask, text, sketch]; got ["text"]',
    ],
    ['model.params.conditions=[text, text]', 'model.params.conditions: wanted [seg_mask, text] or'],
    ['model.params.conditions=[text, seg_msk]', 'model.params.conditions[1]: wanted [seg_mask, text] or'],
    [`${UNET}.confidence_input=x_0`, `${UNET}.confidence_input: wanted one of unet_output, x_t; got "x_0"`],
    [
      `${UNET}.seg_mask_schedule=cosine`,
      `${UNET}.seg_mask_schedule: wanted one of linear_decay, cosine_decay; got "cosine"`,
    ],
    [`${UNET}.influence.constant_over=spce`, `${UNET}.influence.constant_over: wanted one of time, space; got "spce"`],
    [`${UNET}.influence.constant=time`, `${UNET}.influence.constant`],
    [`${UNET}.influence=time`, `${UNET}.influence: wanted a mapping; got "time"`],
    [`${UNET}.confidence_conditioning_key=concat`, `${UNET}.confidence_conditioning_key: only crossattn works`],
    [
      `${UNET}.conditions=[seg_mask, text, sketch]`,
      `${UNET}.conditions: [seg_mask, text, sketch] are not the model's conditions`,
    ],
    [
      'model.params.compose_cond_stage_config.params.conditions=[seg_mask, text, sketch]',
      'model.params.compose_cond_stage_config.params.conditions: [seg_mask, text, sketch] are not',
    ],
    [
      `${PREDICTOR}.out_channels=3`,
      `${PREDICTOR}.out_channels: an influence map has 1 channel, and the dynamic diffuser gives 3`,
    ],
    [`${PREDICTOR}.in_channels=4`, `${PREDICTOR}.in_channels: the dynamic diffuser takes 4 channels`],
    [
      `${PREDICTOR}.context_dim=64`,
      `${PREDICTOR}.context_dim: the dynamic diffuser reads a context of width 64, and the branch 'seg_mask' gives 32`,
    ],
    [`${PREDICTOR}.num_heads=7`, `${PREDICTOR}.num_heads: 7 heads do not divide`],
    [
      'mask.model.params.unet_config.params.num_heads=7',
      'mask.yaml: model.params.unet_config.params.num_heads: 7 heads do not divide',
    ],
    ['text.model.params.los_type=l1', "text.yaml: model.params.los_type: unknown key 'los_type'"],
    [
      'text.model.target=ldm.models.autoencoder.AutoencoderKL',
      "text.yaml: model.target: 'ldm.models.autoencoder.AutoencoderKL' cannot stand here",
    ],
    [
      'model.params.compose_unet_config.target=ldm.models.diffusion.compose_modules.ComposeUnet',
      'model.params.compose_unet_config.target: unknown target',
    ],
  ])('refuses %s', (override, wanted) => {
    expect(problems([override])[0]).toContain(wanted);
  });

  test('needs a config of every branch, sketch too', () => {
    expect(problems(['model.params.conditions=[seg_mask, text, sketch]'])).toContain(
      "model.params.sketch_ldm_config_path: the branch 'sketch' has no config",
    );
  });

  test('targets are opaque ids, those of ldm-core too', () => {
    expect(codiffRegistry.idsOf('composeUnet')).toEqual([COMPOSE_TARGETS.composeUnet]);
    expect(codiffRegistry.idsOf('unet')).toHaveLength(1);
  });
});

test('the confidence sampler keeps branches only beside maps, and ignores other names', () => {
  expect(ConfidenceSamplerConfig.safeParse({ returnEachBranch: true }).success).toBe(false);
  expect(
    ConfidenceSamplerConfig.safeParse({ returnEachBranch: true, returnConfidenceMap: true, verbose: 1 }).success,
  ).toBe(true);
});
