import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildModel, initParams, ldmRegistry, type Params, roles } from '@codiff/ldm-core';
import { initCheckpoint, loadConfig, loadStartingPoints } from '@codiff/ldm-core/node';
import type * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codiffRegistry, composeRoles } from '../src/index.js';
import { useCpu } from './support.js';

const PARITY = fileURLToPath(new URL('../../parity/fixtures', import.meta.url));
let root: string;

const build = async (overrides: readonly string[] = []) =>
  buildModel(
    await loadConfig('configs/tiny_codiff_mask_text.yaml', { registry: codiffRegistry, root: PARITY, overrides }),
    composeRoles.collaborative,
    codiffRegistry,
  );

beforeAll(async () => {
  await useCpu();
  root = await mkdtemp(join(tmpdir(), 'starts-'));
});

afterAll(() => rm(root, { recursive: true }));

describe('the checkpoints that a collaborative model starts from', () => {
  it('are those of the first stage, the branches, and its own, in the order in which they win', async () => {
    const { startingPoints } = await build(['model.params.ckpt_path=own.ckpt', 'model.params.ignore_keys=[model.]']);
    expect(startingPoints.map(({ file }) => file)).toEqual([
      'pretrained/tiny_vae.ckpt',
      'pretrained/tiny_mask.ckpt',
      'pretrained/tiny_text.ckpt',
      'own.ckpt',
    ]);
    expect(startingPoints[3]).toEqual({ file: 'own.ckpt', ignoreKeys: ['model.'], prefixMap: [['', '']] });
  });

  it('give the branches and the first stage, and leave the dynamic diffusers and the schedule to the config', async () => {
    const branches: Record<string, Params> = {};
    for (const [seed, name] of ['mask', 'text'].entries()) {
      const config = await loadConfig(`configs/tiny_${name}.yaml`, { root: PARITY });
      const { specs } = buildModel(config, roles.latentDiffusion, ldmRegistry);
      await initCheckpoint(join(root, `pretrained_${name}.ckpt`), specs, seed);
      branches[name] = initParams(specs, seed);
    }
    const { specs, startingPoints } = await build();
    const here = startingPoints
      .filter(({ file }) => !file.includes('vae'))
      .map((start) => ({ ...start, file: start.file.replace('pretrained/tiny', 'pretrained') }));
    const params = await loadStartingPoints(specs, here, { root });
    const left = [...specs.keys()].filter((key) => !params.has(key));
    expect(left.every((key) => !key.includes('.') || key.includes('_confidence_predictor.'))).toBe(true);
    expect(left.filter((key) => !key.includes('.'))).toHaveLength(12);
    const expectSame = (key: string, branch: string, own: string) => {
      const values = (tensor: tf.Tensor) => tensor.dataSync();
      expect(values(params.get(key)!)).toEqual(values(branches[branch]!.get(own)!));
    };
    expectSame(
      'model.text_unet.diffusion_model.time_embed.0.weight',
      'text',
      'model.diffusion_model.time_embed.0.weight',
    );
    expectSame(
      'model.seg_mask_unet.diffusion_model.time_embed.0.weight',
      'mask',
      'model.diffusion_model.time_embed.0.weight',
    );
    expectSame('cond_stage_model.seg_mask_cond_stage_model.linear.bias', 'mask', 'cond_stage_model.linear.bias');
    expectSame('first_stage_model.quant_conv.weight', 'text', 'first_stage_model.quant_conv.weight');
  });
});
