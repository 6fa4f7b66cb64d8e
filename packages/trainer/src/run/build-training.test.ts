import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { useEngine } from '@codiff/engine';
import {
  buildModel,
  initParams,
  type LatentDiffusion,
  type ParamSpec,
  type ResolvedConfig,
  Rng,
  roles,
} from '@codiff/ldm-core';
import { loadConfig, saveParams } from '@codiff/ldm-core/node';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { trainerRegistry } from '../config/targets.js';
import { checkTrainingConfig } from '../config/training-file.js';
import { buildTraining } from './build-training.js';
import { startWeights } from './start-weights.js';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));

beforeAll(() => useEngine({ device: 'cpu', deterministic: true }));

const load = (config: string, overrides: readonly string[] = []): Promise<ResolvedConfig> =>
  loadConfig(`${config}.yaml`, { registry: trainerRegistry, check: checkTrainingConfig, root: ROOT, overrides });

const filesOf = async (config: string, overrides: readonly string[] = []) =>
  buildTraining(await load(config, overrides), 1e-6, {}).startingPoints.map(({ file }) => file);

it('builds the full-size trainings, of which none takes memory yet', async () => {
  const held = tf.memory().numTensors;
  const text = buildTraining(await load('configs/512_text'), 1e-6, {});
  expect(text).toMatchObject({ monitor: 'val/loss_simple_ema', rates: { 'lr-AdamW': 1e-6 }, captionLength: 77 });
  expect(text.measure).toBeUndefined();
  const mask = buildTraining(await load('configs/512_mask'), 1e-6, {});
  expect([mask.captionLength, mask.monitor]).toEqual([null, 'val/loss_simple']);
  const both = buildTraining(await load('configs/512_codiff_mask_text'), 1e-6, {});
  expect([both.captionLength, both.monitor]).toEqual([77, 'val/loss_simple']);
  const vae = buildTraining(await load('configs/512_vae'), 1e-6, {});
  expect(vae).toMatchObject({ monitor: 'val/rec_loss', rates: { 'lr-Adam': 1e-6, 'lr-Adam-1': 1e-6 } });
  expect(tf.memory().numTensors).toBe(held);
});

it('refuses another batch key for the conditions of a collaborative model than the one that batches have', async () => {
  const given = await load('configs/512_codiff_mask_text', ['model.params.cond_stage_key=caption']);
  expect(() => buildTraining(given, 1e-6, {})).toThrow(
    /model.params.cond_stage_key: .* under 'conditions', not 'caption'.*set cond_stage_key: conditions/s,
  );
});

it('says which files a training begins with', async () => {
  expect(await filesOf('configs/512_text')).toEqual(['pretrained/512_vae.ckpt']);
  expect(await filesOf('configs/512_codiff_mask_text')).toContain('pretrained/512_mask.ckpt');
  expect(await filesOf('configs/512_vae')).toEqual(['pretrained/vgg16.pth', 'pretrained/lpips_vgg.pth']);
  expect(await filesOf('configs/512_vae', ['model.params.lossconfig.params.perceptual_weight=0'])).toEqual([]);
});

it('takes the networks of the perceptual loss from files under their published names', async () => {
  const root = mkdtempSync(join(tmpdir(), 'perceptual-'));
  try {
    const { specs, startingPoints } = buildTraining(await load('packages/parity/fixtures/configs/tiny_vae'), 1e-6, {});
    const vgg = new Map<string, ParamSpec>();
    const heads = new Map<string, ParamSpec>();
    for (const spec of specs.values()) {
      const [, conv] = /^loss\.perceptual_loss\.net\.slice\d\.(.+)$/.exec(spec.key) ?? [];
      const [, head] = /^loss\.perceptual_loss\.(lin.+)$/.exec(spec.key) ?? [];
      const key = conv ? `features.${conv}` : head;
      const init = { kind: 'constant', value: conv ? 2 : 3 } as const;
      if (key) (conv ? vgg : heads).set(key, { ...spec, key, init });
    }
    expect([vgg.size, heads.size]).toEqual([26, 5]);
    mkdirSync(join(root, 'pretrained'));
    for (const [file, part] of [
      ['vgg16', vgg],
      ['lpips_vgg', heads],
    ] as const) {
      await saveParams(join(root, `pretrained/${file}.pth`), initParams(part, 1), part);
    }
    const weights = await startWeights(specs, startingPoints, { seed: 1, root });
    const first = (key: string) => weights.get(`loss.perceptual_loss.${key}`)!.dataSync()[0];
    expect([first('net.slice3.10.weight'), first('net.slice5.28.bias'), first('lin4.model.1.weight')]).toEqual([
      2, 2, 3,
    ]);
    weights.dispose();
  } finally {
    rmSync(root, { recursive: true });
  }
});

it('takes the schedule of the config', async () => {
  const cycle = '{warm_up_steps: [10], f_start: [0.1], f_max: [1], f_min: [0], cycle_lengths: [20]}';
  const { lrFactor } = buildTraining(
    await load('configs/512_text', [
      'model.params.scheduler_config.target=ldm.lr_scheduler.LambdaLinearScheduler',
      `model.params.scheduler_config.params=${cycle}`,
    ]),
    1e-6,
    {},
  );
  expect([0, 10, 15, 20].map((step) => lrFactor!(step))).toEqual([0.1, 1, 0.5, 0]);
  const vae = buildTraining(await load('configs/demo_vae'), 1e-6, {});
  expect(vae.lrFactor!(50)).toBe(1);
  expect(vae.lrFactor!(1e6)).toBe(0.02);
  expect(buildTraining(await load('configs/512_vae'), 1e-6, {}).lrFactor).toBeUndefined();
});

it.each([
  ['scale_by_std=true', 'scale_factor=1', 1],
  ['scale_by_std=false', 'scale_factor=auto', 2],
])('measures the scale of latents that the config leaves open: %s, %s', async (std, factor, batches) => {
  const config = await load('packages/parity/fixtures/configs/tiny_text', [
    `model.params.${std}`,
    `model.params.${factor}`,
    'model.params.first_stage_config.params.ckpt_path=null',
  ]);
  const { measure, specs } = buildTraining(config, 1e-6, {});
  const weights = initParams(specs, 1);
  const images = [2, 3].map((seed) => Rng.of(seed).normal<tf.Rank.R4>([2, 64, 64, 3]));
  const hosts = images.map((x) => ({ image: { values: x.dataSync() as Float32Array, shape: x.shape } }));
  const source = {
    length: 2,
    async *epoch() {
      yield* hosts;
    },
  };
  const measured = await measure!(weights, source, 3);
  expect([...measured.params.keys()]).toEqual(['scale_factor']);
  expect([measured.batches, measured.images]).toEqual([batches, 2 * batches]);
  const { model } = buildModel<LatentDiffusion>(config, roles.latentDiffusion, trainerRegistry);
  const rng = Rng.of(3).split('scale');
  const z = tf.concat(
    images.slice(0, batches).map((x, i) => {
      const noise = (i === 0 ? rng : rng.split(i)).normal<tf.Rank.R4>([2, 16, 16, 3]);
      return model.encodeFirstStage(weights.merge(measured.params), x, noise);
    }),
  );
  const { variance } = tf.moments(z);
  expect(((await variance.data())[0]! * z.size) / (z.size - 1)).toBeCloseTo(1, 4);
});

it('trains groups at their own rates: the first that matches counts, null freezes, all have to be matched', async () => {
  const rules = [
    { match: /^cond_stage_model\./, lr: null },
    { match: /time_embed/, lr: 1e-3 },
    { match: /./, lr: 1e-5 },
  ];
  const text = 'packages/parity/fixtures/configs/tiny_text';
  const config = await load(text);
  const { rates, training, specs } = buildTraining(config, 1, { rules });
  expect(rates).toEqual({ 'lr-AdamW/pg1': 0, 'lr-AdamW/pg2': 1e-3, 'lr-AdamW/pg3': 1e-5 });
  const trained = [...training.divide(initParams(specs, 1)).state.groups.model!.params.keys()];
  expect(trained.some((key) => key.includes('time_embed'))).toBe(true);
  expect(trained.filter((key) => key.startsWith('cond_stage_model.'))).toEqual([]);
  expect(() => buildTraining(config, 1, { rules: rules.slice(0, 2) })).toThrow(/no group matches \d+ trained weights/);
  expect(() => buildTraining(config, 1, { rules: [{ match: /typo/, lr: 1 }, ...rules] })).toThrow(
    "'typo' matches no weight",
  );
  const vae = await load('packages/parity/fixtures/configs/tiny_vae');
  const both = buildTraining(vae, 1, {
    rules: [
      { match: /^encoder\./, lr: null },
      { match: /./, lr: 2 },
    ],
  });
  const { groups } = both.training.divide(initParams(both.specs, 1)).state;
  expect([...groups.autoencoder!.params.keys()].filter((key) => key.startsWith('encoder.'))).toEqual([]);
  expect([...groups.discriminator!.params.keys()].every((key) => key.startsWith('loss.discriminator.'))).toBe(true);
  expect(groups.discriminator!.params.size).toBeGreaterThan(0);
});

it('refuses what cannot be trained', async () => {
  const identity = ['model.params.lossconfig={target: torch.nn.Identity}'];
  await expect(load('configs/512_vae', identity).then((config) => buildTraining(config, 1e-6, {}))).rejects.toThrow(
    'cannot be trained',
  );
  await expect(
    load('configs/512_text', ['model.params.cond_stage_config.params.use_tokenizer=false']).then((config) =>
      buildTraining(config, 1e-6, {}),
    ),
  ).rejects.toThrow('use_tokenizer is false');
});
