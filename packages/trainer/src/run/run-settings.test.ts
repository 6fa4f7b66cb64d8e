import { fileURLToPath } from 'node:url';
import { loadConfig } from '@codiff/ldm-core/node';
import { expect, it } from 'vitest';
import { trainerRegistry } from '../config/targets.js';
import { checkTrainingConfig } from '../config/training-file.js';
import { keptBest, runSettings } from './run-settings.js';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));

const settingsOf = async (config: string, overrides: readonly string[] = []) =>
  runSettings(
    await loadConfig(`configs/${config}.yaml`, {
      registry: trainerRegistry,
      check: checkTrainingConfig,
      root: ROOT,
      overrides,
    }),
  );

it('reads what the original trains by', async () => {
  const settings = await settingsOf('512_vae');
  expect(settings).toMatchObject({
    batchSize: 2,
    accumulate: 2,
    numWorkers: null,
    maxEpochs: 1000,
    maxSteps: null,
    clipNorm: null,
    logEvery: 50,
    saveWeightsEvery: null,
    unapplied: [],
    train: { dataset: { phase: 'train', testDatasetSize: 3000 }, preprocessor: { size: 512, phase: 'train' } },
    validation: { dataset: { phase: 'test' }, preprocessor: { phase: 'val' } },
  });
  expect([keptBest(settings.checkpoint), settings.checkpoint.mode]).toEqual([10, 'min']);
});

it('follows the config where it says otherwise, and lists what it cannot follow', async () => {
  const settings = await settingsOf('512_text', [
    'lightning.trainer.max_epochs=3',
    'lightning.trainer.max_steps=-1',
    'lightning.trainer.gradient_clip_val=0.5',
    'lightning.trainer.profiler=simple',
    'lightning.modelcheckpoint.params.save_top_k=2',
    'lightning.modelcheckpoint.params.monitor=val/loss',
    'lightning.modelcheckpoint.target=pytorch_lightning.callbacks.ModelCheckpoint',
    'lightning.modelcheckpoint.params.every_n_train_steps=5',
    'lightning.modelcheckpoint.params.save_weights_only=true',
    'lightning.modelcheckpoint.params.save_last=true',
    'lightning.callbacks.metrics_over_trainsteps_checkpoint={}',
    'lightning.logger.params.save_dir=elsewhere',
    'lightning.trainer.gpus=0,1,',
  ]);
  expect(settings).toMatchObject({
    accumulate: 1,
    maxEpochs: 3,
    maxSteps: null,
    clipNorm: 0.5,
    saveWeightsEvery: 10000,
    unapplied: [
      'lightning.trainer.profiler',
      'lightning.modelcheckpoint.params.every_n_train_steps',
      'lightning.modelcheckpoint.params.save_weights_only',
      'lightning.logger.params.save_dir',
    ],
    checkpoint: { monitor: 'val/loss' },
  });
  expect(keptBest(settings.checkpoint)).toBe(2);
});

it('refuses a config without training data', async () => {
  await expect(settingsOf('512_text', ['data.params.train=null'])).rejects.toThrow('data.params.train is missing');
});

it('reads groups of learning rates, and refuses what is no pattern', async () => {
  const settings = await settingsOf('512_text', [
    'lightning.learning_rates=[{match: "^cond_stage_model", lr: null}, {match: ., lr: 1e-6}]',
    'lightning.trainer.precision=bf16',
    'lightning.trainer.check_val_every_n_epoch=2',
  ]);
  expect(settings.rateRules).toEqual([
    { match: /^cond_stage_model/, lr: null },
    { match: /./, lr: 1e-6 },
  ]);
  expect(settings).toMatchObject({ precision: 'bfloat16', validateEvery: 2, sanityBatches: 2, unapplied: [] });
  await expect(settingsOf('512_text', ['lightning.learning_rates=[{match: "(", lr: 1}]'])).rejects.toThrow(
    'wanted a regular expression',
  );
});
