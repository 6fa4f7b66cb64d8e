import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixture } from '../../test/parity-case.js';
import { useCpu } from '../../test/support.js';
import { buildModel, type ResolvedConfig } from '../config/config-file.js';
import { roles } from '../config/roles.js';
import { ldmRegistry } from '../config/targets.js';
import { parseYamlFile } from '../config/yaml.js';
import type { KeyReport } from '../io/key-report.js';
import { ones, zeros } from '../nn/init.js';
import { Scope } from '../nn/scope.js';
import { initCheckpoint } from './init-checkpoint.js';
import { loadStartingPoints } from './load-starting-points.js';

let root: string;

beforeAll(async () => {
  await useCpu();
  root = await mkdtemp(join(tmpdir(), 'starts-'));
});

afterAll(() => rm(root, { recursive: true }));

/** A file of keys of one element, all of one value. */
async function write(name: string, value: number, keys: readonly string[], shape: number[] = [1]): Promise<void> {
  const scope = Scope.root();
  for (const key of keys) scope.param(key, shape, { kind: 'constant', value });
  await initCheckpoint(join(root, name), scope.specs, 0);
}

/** A model of two parts; the inner one starts from one file, the whole from another. */
function model(): Scope {
  const scope = Scope.root();
  const vae = scope.at('first_stage_model');
  vae.param('encoder', [1], zeros);
  vae.param('decoder', [1], zeros);
  vae.startFrom('vae.ckpt', ['decoder']);
  scope.param('unet', [1], ones);
  scope.startFrom('whole.ckpt', ['loss.']);
  return scope;
}

const valuesOf = (params: ReadonlyMap<string, tf.Tensor>) =>
  Object.fromEntries([...params].map(([key, tensor]) => [key, tensor.dataSync()[0]]));

describe('loadStartingPoints', () => {
  it('maps a part under its path, leaves out ignored keys, and says what it found', async () => {
    await write('vae.ckpt', 5, ['encoder', 'decoder', 'loss.logvar']);
    await write('whole.ckpt', 7, ['unet', 'loss.unet']);
    const { specs, startingPoints } = model();
    const reports: KeyReport[] = [];
    const params = await loadStartingPoints(specs, startingPoints, { root, onReport: (r) => reports.push(r) });
    expect(valuesOf(params)).toEqual({ unet: 7, 'first_stage_model.encoder': 5 });
    expect(reports.map(({ file, dropped, unexpected }) => [file, dropped, unexpected])).toEqual([
      [join(root, 'whole.ckpt'), ['loss.unet'], []],
      [join(root, 'vae.ckpt'), ['decoder'], ['loss.logvar']],
    ]);
    params.dispose();
  });

  it('prefers the file declared later, and opens none for nothing', async () => {
    await write('whole.ckpt', 7, ['unet', 'first_stage_model.encoder', 'first_stage_model.decoder']);
    await rm(join(root, 'vae.ckpt'), { force: true });
    const { specs, startingPoints } = model();
    const params = await loadStartingPoints(specs, startingPoints, { root });
    expect(valuesOf(params)).toEqual({ unet: 7, 'first_stage_model.encoder': 7, 'first_stage_model.decoder': 7 });
    params.dispose();
  });

  it('loads only what is wanted, as where another checkpoint has the rest', async () => {
    await write('vae.ckpt', 5, ['encoder', 'decoder']);
    const { specs, startingPoints } = model();
    const wanted = new Map([...specs].filter(([key]) => key.endsWith('encoder')));
    await write('whole.ckpt', 7, ['unet']);
    const params = await loadStartingPoints(wanted, startingPoints, { root });
    expect(valuesOf(params)).toEqual({ 'first_stage_model.encoder': 5 });
    params.dispose();
  });

  it('takes no other shape, names a missing file, and leaves nothing behind', async () => {
    await write('whole.ckpt', 7, ['unet']);
    await write('vae.ckpt', 5, ['encoder'], [2]);
    const { specs, startingPoints } = model();
    const held = tf.memory().numTensors;
    await expect(loadStartingPoints(specs, startingPoints, { root })).rejects.toThrow(/encoder is \[2\], wanted \[1\]/);
    await rm(join(root, 'vae.ckpt'));
    await expect(loadStartingPoints(specs, startingPoints, { root })).rejects.toMatchObject({ code: 'ENOENT' });
    expect(tf.memory().numTensors).toBe(held);
  });
});

describe('ckpt_path and ignore_keys of configs', () => {
  /** A fresh copy of the tiny text model's config. */
  const readConfigFile = () =>
    parseYamlFile(readFileSync(fixture('configs/tiny_text.yaml'), 'utf8'), 'tiny_text.yaml') as ResolvedConfig;
  const build = (edit: (params: Record<string, unknown>) => void) => {
    const config = readConfigFile();
    edit(config.model.params as Record<string, unknown>);
    return buildModel(config, roles.latentDiffusion, ldmRegistry).startingPoints;
  };

  it('of the first stage stand for its part, and those of the model for all of it, after it', () => {
    expect(build(() => {})).toEqual([
      { file: 'pretrained/tiny_vae.ckpt', ignoreKeys: [], prefixMap: [['', 'first_stage_model.']] },
    ]);
    const both = build((params) => Object.assign(params, { ckpt_path: 'a.ckpt', ignore_keys: ['cond_stage_model.'] }));
    expect(both[1]).toEqual({ file: 'a.ckpt', ignoreKeys: ['cond_stage_model.'], prefixMap: [['', '']] });
  });

  it('of an autoencoder on its own stand for all of it', () => {
    const { params } = readConfigFile().model;
    const vae = (params as { first_stage_config: ResolvedConfig['model'] }).first_stage_config;
    const { startingPoints } = buildModel({ model: vae }, roles.firstStage, ldmRegistry);
    expect(startingPoints).toEqual([{ file: 'pretrained/tiny_vae.ckpt', ignoreKeys: [], prefixMap: [['', '']] }]);
  });
});
