import { applyOverrides, ConfigError, camelize, fields, parseObject, snakeize } from '@codiff/ldm-core';
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import {
  checkTrainingConfig,
  DataModuleConfig,
  DatasetConfig,
  ImageLoggerConfig,
  PreprocessorConfig,
  withLightningDefaults,
} from '../src/index.js';
import { readConfig } from './configs.js';

const R = Symbol('required');
const IGNORED = Symbol('ignored');

describe('every argument of section 19.8 is there, with its default and its status', () => {
  test.each<[string, z.ZodObject, Readonly<Record<string, unknown>>]>([
    [
      'main.DataModuleFromConfig',
      DataModuleConfig,
      {
        batch_size: R,
        train: null,
        validation: null,
        test: null,
        predict: null,
        num_workers: null,
        shuffle_val_dataloader: false,
        shuffle_test_loader: false,
        wrap: IGNORED,
        use_worker_init_fn: IGNORED,
      },
    ],
    [
      'CelebAConditionalDataset',
      DatasetConfig,
      {
        im_preprocessor_config: R,
        phase: 'train',
        test_dataset_size: 3000,
        conditions: ['seg_mask', 'text', 'sketch'],
        image_folder: 'datasets/image/image_512_downsampled_from_hq_1024',
        text_file: 'datasets/text/captions_hq_beard_and_age_2022-08-19.json',
        mask_folder:
          'datasets/mask/CelebAMask-HQ-mask-color-palette_32_nearest_downsampled_from_hq_512_one_hot_2d_tensor',
        sketch_folder: 'datasets/sketch/sketch_1x1024_tensor',
      },
    ],
    ['DalleTransformerPreprocessor', PreprocessorConfig, { size: 256, phase: 'train', additional_targets: IGNORED }],
    [
      'main.ImageLogger',
      ImageLoggerConfig,
      {
        batch_frequency: R,
        max_images: R,
        clamp: true,
        increase_log_steps: true,
        rescale: true,
        disabled: false,
        log_first_step: false,
        log_on_batch_idx: false,
        log_images_kwargs: {},
      },
    ],
  ])('%s', (_, schema, table) => {
    const shape = schema.shape as Record<string, z.ZodType>;
    expect(Object.keys(shape).map(snakeize).sort()).toEqual(Object.keys(table).sort());
    const defaults: Readonly<Record<string, unknown>> = parseObject(schema, {}, '', { problem: () => {} }).fields;
    for (const [key, says] of Object.entries(table)) {
      const field = camelize(key);
      const ignored = fields.notesOf(shape[field]!).ignored !== undefined;
      const status = !(field in defaults) ? R : ignored ? IGNORED : defaults[field];
      expect({ key, status }).toEqual({ key, status: says });
    }
  });
});

const config = readConfig('512_text');

function problems(...overrides: string[]): string[] {
  try {
    checkTrainingConfig(applyOverrides(config, overrides));
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
  return [];
}

const KWARGS = 'lightning.callbacks.image_logger.params.log_images_kwargs';

describe('a training config', () => {
  test.each([
    ['data.params.batch_size=0', 'data.params.batch_size: wanted a positive whole number; got 0'],
    ['data.params.train.params.phase=val', 'data.params.train.params.phase: wanted one of train, test; got "val"'],
    [
      'data.params.train.params.im_preprocessor_config=',
      'data.params.train.params.im_preprocessor_config: wanted a mapping',
    ],
    ['data.params.train.target=main.ImageLogger', "data.params.train.target: 'main.ImageLogger' cannot stand here"],
    [
      'lightning.callbacks.image_logger.params.max_images=-1',
      'lightning.callbacks.image_logger.params.max_images: wanted a whole number of at least 0',
    ],
    [
      'lightning.callbacks.image_loger.params.max_images=1',
      "lightning.callbacks.image_loger: unknown key 'image_loger'",
    ],
    [
      'lightning.trainer.accumulate_grad_batches=0',
      'lightning.trainer.accumulate_grad_batches: wanted a positive whole number',
    ],
    ['lightning.trainer.max_epoch=1', "lightning.trainer.max_epoch: unknown key 'max_epoch'"],
    [`${KWARGS}={ddim_steps: 0}`, `${KWARGS}.ddim_steps: wanted a positive whole number; got 0`],
    [`${KWARGS}={ddim_step: 5}`, `${KWARGS}.ddim_step: log_images does not know it; did you mean 'ddim_steps'?`],
    ['lightning.callbacks=1', 'lightning.callbacks: wanted a mapping; got 1'],
    ['lightning=1', 'lightning: wanted a mapping; got 1'],
    ['data=', 'data: wanted a mapping'],
  ])('is refused with %s', (override, wanted) => {
    const found = problems(override);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(wanted);
  });

  test('needs its data, and a training set beside a test set', () => {
    const { data: _, ...rest } = config;
    expect(() => checkTrainingConfig(rest)).toThrow('data: is required');
    const split = JSON.stringify({
      target: 'ldm.data.celebahq.CelebAConditionalDataset',
      params: { im_preprocessor_config: { target: 'ldm.data.celebahq.DalleTransformerPreprocessor' } },
    });
    expect(problems('data.params.train=', `data.params.test=${split}`)[0]).toContain(
      'data.params.test: the loader of test',
    );
  });

  test('takes any option of the trainer, and callbacks key by key', () => {
    expect(
      problems('lightning.trainer.gpus=0,1,2,3,', 'lightning.trainer.max_epochs=3', 'lightning.trainer.precision=32'),
    ).toEqual([]);
    expect(problems(`${KWARGS}={quantize_denoised: true, anything: 1, N: 2}`)).toEqual([]);
    expect(problems('lightning.callbacks.checkpoint_callback.params.save_top_k=3')).toEqual([]);
    expect(problems('lightning.callbacks.metrics_over_trainsteps_checkpoint={}')).toEqual([]);
    expect(problems('lightning.modelcheckpoint.params.save_top_k=3', 'lightning.logger.params.name=x')).toEqual([]);
  });

  test('without a lightning section has the default callbacks', () => {
    const { lightning: _, ...rest } = config;
    expect(withLightningDefaults(rest)).toMatchObject({
      lightning: { callbacks: { image_logger: { params: { batch_frequency: 750, max_images: 4, clamp: true } } } },
    });
    expect(() => checkTrainingConfig(rest)).not.toThrow();
  });

  test('with only some keys of a callback keeps the defaults of the others', () => {
    const tree = { model: {}, lightning: { callbacks: { image_logger: { params: { max_images: 2 } } } } };
    expect(withLightningDefaults(tree)).toMatchObject({
      lightning: {
        callbacks: { image_logger: { target: 'main.ImageLogger', params: { batch_frequency: 750, max_images: 2 } } },
      },
    });
  });
});
