import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import {
  blend,
  codiffRegistry,
  composeRoles,
  imageBytes,
  type LatentDiffusionCompose,
  readImages,
  sampleConfidence,
} from '@codiff/codiff';
import { useEngine } from '@codiff/engine';
import {
  BertTokenizer,
  buildModel,
  type LatentDiffusion,
  loadParams,
  roles,
  SamplerConfig,
  sampleDdim,
  sampleWith,
} from '@codiff/ldm-core';
import { loadBertVocabulary, openCheckpointFile } from '@codiff/ldm-core/node';
import * as tf from '@tensorflow/tfjs-core';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { mask2imageDefaults } from '../src/commands/mask2image.js';
import { imageNoise } from '../src/generate/image-noise.js';
import { oneHotMask, readMask, resizeMask } from '../src/generate/mask.js';
import { OutputFolder } from '../src/generate/output-folder.js';
import { paintMask } from '../src/generate/palette.js';
import { decodeRgb } from '../src/generate/png/rgb.js';
import { readRecipe } from '../src/generate/recipe.js';
import { requestOf } from '../src/generate/request.js';
import { run } from '../src/generate/run.js';
import { InputError } from '../src/input-error.js';
import { runCli } from './run-cli.js';
import { MASK, type TinyModel, tinyConfig, tinyWorld } from './tiny-models.js';

const TEXT = 'This Woman is in her forties.';
const MEMORY_LIMIT = 8192;
const MODELS: readonly TinyModel[] = ['text', 'mask', 'codiff_mask_text'];

let world = '';
beforeAll(async () => {
  world = await tinyWorld(MODELS);
  await useEngine({ device: 'cpu', deterministic: true, memoryLimitMiB: MEMORY_LIMIT });
});
afterAll(() => rmSync(world, { recursive: true }));

/** The flags that name a tiny model. */
const of = (model: TinyModel) => [
  '--config_path',
  `configs/tiny_${model}.yaml`,
  '--ckpt_path',
  `pretrained/tiny_${model}.ckpt`,
  '--device',
  'cpu',
];
const files = (folder: string) => readdirSync(join(world, folder)).sort();
const pixels = (path: string) => decodeRgb(readFileSync(join(world, path)));
/** The branches in an image's recipe. */
const branchesIn = async (path: string) => (await readRecipe(join(world, path))).branches;
/** Where there are two parts to compute side by side. */
const TWO = Math.min(2, availableParallelism());

async function weights(model: TinyModel, specs: Parameters<typeof loadParams>[0]) {
  const checkpoint = await openCheckpointFile(join(world, `pretrained/tiny_${model}.ckpt`));
  const { params } = await loadParams(specs, checkpoint);
  await checkpoint.close();
  return params;
}

/** Grey levels of an image of the command and of the package may differ by one: one is compiled, the other is not. */
function expectSame(path: string, expected: ReturnType<typeof decodeRgb>): void {
  const found = pixels(path);
  expect([found.width, found.height]).toEqual([expected.width, expected.height]);
  const differences = found.values.map((level, i) => Math.abs(level - expected.values[i]!));
  expect(Math.max(...differences)).toBeLessThanOrEqual(1);
  expect(new Set(found.values).size).toBeGreaterThan(16);
}

describe('codiff generate', () => {
  const folder = `outputs/both/3.png/${TEXT}`;

  it('writes the tree of the original, and the pixels of the package', async () => {
    const run = await runCli(world, [
      ...['generate_512', ...of('codiff_mask_text'), '--mask_path', MASK, '--input_text', TEXT],
      ...['--save_folder', 'outputs/both', '--batch_size', '2', '--ddim_steps', '3', '--seed', '11'],
      ...['--save_z', '1', '--return_influence_function', '1', '--display_x_inter', '1', '--save_mixed', '1'],
    ]);
    expect(run).toMatchObject({ code: 0 });
    expect(run.stderr).toContain('4 steps (3 were asked for');
    const endings = [
      'mixed',
      'pred_x0',
      'seg_mask_influence_function',
      'text_influence_function',
      'x_0',
      'x_inter',
      'z_0',
    ];
    const names = [0, 1].flatMap((i) => endings.map((ending) => `00000${i}_${ending}.png`));
    expect(files(folder)).toEqual([...names, '3.png']);
    expect(readdirSync(join(world, 'outputs/both'))).toEqual(['3.png']);
    // 4 steps in one row, with 2 pixels around each.
    expect(PNG.sync.read(readFileSync(join(world, folder, '000001_x_inter.png')))).toMatchObject({
      width: 4 * 66 + 2,
      height: 68,
    });
    expect(pixels(`${folder}/000001_text_influence_function.png`)).toMatchObject({ width: 4 * 18 + 2, height: 20 });
    expect(pixels(`${folder}/000000_z_0.png`)).toMatchObject({ width: 16, height: 16 });
    expect(await branchesIn(`${folder}/000001_x_0.png`)).toBe(TWO);
    for (const name of files(folder)) {
      const batchIndex = name.startsWith('000001') ? 1 : 0;
      expect(await readRecipe(join(world, folder, name))).toMatchObject({ seed: 11, batchSize: 2, batchIndex });
    }

    const mask = await readMask(MASK);
    expect(pixels(`${folder}/3.png`)).toEqual(paintMask(mask));
    const { model, specs } = buildModel<LatentDiffusionCompose>(
      await tinyConfig('codiff_mask_text'),
      composeRoles.collaborative,
      codiffRegistry,
    );
    const p = await weights('codiff_mask_text', specs);
    const twice = (tensor: tf.Tensor) => tf.concat([tensor, tensor], 0);
    const ids = new BertTokenizer(await loadBertVocabulary()).encode([TEXT]);
    const contexts = model.encodeConditions(p, { seg_mask: twice(oneHotMask(mask)), text: twice(ids) });
    const noise = imageNoise(11, 0, [2, 16, 16, 3]);
    const z = await sampleConfidence(model, p, contexts, noise.start(), { steps: 3, eta: 1, noise: noise.source });
    const images = imageBytes(await readImages(model.decodeFirstStage(p, z)));
    for (const [i, image] of images.entries()) {
      expectSame(`${folder}/00000${i}_x_0.png`, image);
      expectSame(`${folder}/00000${i}_mixed.png`, blend(image, paintMask(resizeMask(mask, 64)), 0.3));
    }
  });

  it('runs the batch of an image again, bit for bit', async () => {
    const from = `${folder}/000001_x_0.png`;
    const run = await runCli(world, ['generate', '--from', from, '--save-z', 'yes', '--json']);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    const result = JSON.parse(run.stdout) as { folder: string; files: string[]; seed: number };
    expect(result).toMatchObject({ seed: 11, folder: `outputs/rerun/3.png/${TEXT}` });
    expect(result.files).toHaveLength(5);
    for (const name of ['000000_x_0.png', '000001_x_0.png', '000001_z_0.png']) {
      expect(readFileSync(join(world, result.folder, name)).equals(readFileSync(join(world, folder, name)))).toBe(true);
    }
  });
});

describe('codiff text2image', () => {
  it('makes the images of a seed one by one as together, and FreeU changes them', async () => {
    const flags = ['--input_text', TEXT, '--ddim_steps', '2', '--seed', '3', '--num_samples', '2', '--quiet'];
    const plain = await runCli(world, ['text2image', ...of('text'), ...flags, '--batch_size', '1']);
    expect(plain).toEqual({ code: 0, stdout: '', stderr: '' });
    const folder = `outputs/512_text2image/${TEXT}`;
    expect(files(folder)).toEqual(['000000_x_0.png', '000001_x_0.png']);
    // One image at a time has no halves.
    expect(await branchesIn(`${folder}/000000_x_0.png`)).toBe(1);

    const { model, specs } = buildModel<LatentDiffusion>(
      await tinyConfig('text'),
      roles.latentDiffusion,
      codiffRegistry,
    );
    const p = await weights('text', specs);
    const ids = new BertTokenizer(await loadBertVocabulary()).encode([TEXT, TEXT]);
    const noise = imageNoise(3, 0, [2, 16, 16, 3]);
    const z = await sampleDdim(model.denoiser(p, model.condition(p, ids)), noise.start(), {
      schedule: model.schedule,
      ...{ steps: 2, eta: 1, noise: noise.source },
    });
    const images = imageBytes(await readImages(model.decodeFirstStage(p, z)));
    for (const [i, image] of images.entries()) expectSame(`${folder}/00000${i}_x_0.png`, image);

    const freeU = ['--enable_freeu', '--b1', '1.5', '--b2', '1.5', '--s1', '0.5', '--s2', '0.5'];
    await runCli(world, ['text2image', ...of('text'), ...flags, ...freeU]);
    const other = `outputs/512_text2image_with_freeu/${TEXT}`;
    expect(files(other)).toEqual(files(folder));
    expect(await branchesIn(`${other}/000000_x_0.png`)).toBe(TWO);
    expect(pixels(`${other}/000000_x_0.png`)).not.toEqual(pixels(`${folder}/000000_x_0.png`));
  });

  it('stops after a step at Ctrl-C, keeps what is finished, and ends with 130', async () => {
    let wait: NodeJS.Timeout | undefined;
    const run = await runCli(
      world,
      [
        ...['text2image', ...of('text'), '--input_text', 'A man.', '--batch_size', '1', '--num_samples', '500'],
        ...['--ddim_steps', '4', '--save_folder', 'outputs/stopped'],
      ],
      (_, interrupt) => {
        wait ??= setInterval(() => {
          if (!existsSync(join(world, 'outputs/stopped/A man./000001_x_0.png'))) return;
          clearInterval(wait);
          interrupt();
        }, 20);
      },
    );
    clearInterval(wait);
    expect(run).toMatchObject({ code: 130, stdout: '' });
    const names = files('outputs/stopped/A man.');
    expect(run.stderr).toContain(`codiff: stopped; ${names.length} files are in outputs/stopped/A man.`);
    expect(run.stderr).toMatch(/^seed \d+, ddim, 4 steps$/m);
    expect(names.length).toBeLessThan(500);
    for (const name of names) expect(pixels(`outputs/stopped/A man./${name}`).width).toBe(64);
  });
});

describe('codiff mask2image', () => {
  it('writes images over their mask too, without being asked, with the pixels of the package', async () => {
    const flags = ['--mask_path', MASK, '--ddim_steps', '2', '--batch_size', '1', '--sampler', 'dpmpp', '--seed', '2'];
    expect(await runCli(world, ['mask2image', ...of('mask'), ...flags, '--enable_freeu', '0'])).toMatchObject({
      code: 0,
    });
    const folder = 'outputs/512_mask2image_without_freeu/3.png';
    expect(files(folder)).toEqual(['000000_mixed.png', '000000_x_0.png', '3.png']);

    const { model, specs } = buildModel<LatentDiffusion>(
      await tinyConfig('mask'),
      roles.latentDiffusion,
      codiffRegistry,
    );
    const p = await weights('mask', specs);
    const mask = await readMask(MASK);
    const noise = imageNoise(2, 0, [1, 16, 16, 3]);
    const denoise = model.denoiser(p, model.condition(p, oneHotMask(mask)));
    const sampler = SamplerConfig.parse({ name: 'dpmpp', steps: 2 });
    const z = await sampleWith(sampler, denoise, noise.start(), { schedule: model.schedule, noise: noise.source });
    const [image] = imageBytes(await readImages(model.decodeFirstStage(p, z)));
    expectSame(`${folder}/000000_x_0.png`, image!);
    expectSame(`${folder}/000000_mixed.png`, blend(image!, paintMask(resizeMask(mask, 64)), 0.3));
    expect(pixels(`${folder}/3.png`)).toEqual(paintMask(mask));
  });

  it('refuses what it cannot use, in one line', async () => {
    const mismatch = await runCli(world, [
      'mask2image',
      ...of('mask'),
      '--mask_path',
      MASK,
      '--ckpt_path',
      'pretrained/tiny_text.ckpt',
    ]);
    expect(mismatch).toMatchObject({ code: 2, stdout: '' });
    expect(mismatch.stderr).toMatch(
      /^codiff: pretrained\/tiny_text\.ckpt: the weights are not those of this model; .*\n$/,
    );
    const flag = await runCli(world, ['mask2image', '--save_mixed', 'perhaps']);
    expect(flag).toMatchObject({ code: 2, stderr: expect.stringMatching(/^codiff: --save_mixed is 'perhaps'.*\n$/) });
    expect(existsSync(join(world, 'outputs/512_mask2image'))).toBe(false);
  });

  it.each([
    ['a device that there is not', ['--device', 'gpu:99'], /^codiff: --device gpu:99: .*\n$/],
    ['a precision of GPUs', ['--precision', 'float16'], /^codiff: --precision float16 is not for cpu.*; wanted .*\n$/],
  ])('says one line only of %s, which is seen when the engine starts', async (_, flags, message) => {
    const run = await runCli(world, ['mask2image', ...of('mask'), '--mask_path', MASK, ...flags]);
    expect(run).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(message) });
    expect(existsSync(join(world, 'outputs/512_mask2image'))).toBe(false);
  });

  it('says one line only of a disk that fills while it runs', async () => {
    const said: unknown[] = [];
    const full = new InputError('outputs/full: cannot be written: the disk is full');
    const write = vi.spyOn(OutputFolder.prototype, 'write').mockRejectedValue(full);
    const stderr = vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(text) > 0);
    const named = (path: string) => join(world, path);
    const request = requestOf(mask2imageDefaults, {
      ...{ config_path: named('configs/tiny_mask.yaml'), ckpt_path: named('pretrained/tiny_mask.ckpt') },
      ...{ mask_path: MASK, save_folder: named('outputs/full'), ddim_steps: '1', batch_size: 1 },
      ...{ device: 'cpu', memory_limit: MEMORY_LIMIT, pack_weights: false },
    });
    try {
      await expect(run(request)).rejects.toThrow('the disk is full');
    } finally {
      write.mockRestore();
      stderr.mockRestore();
    }
    expect(said).toEqual([]);
    expect(existsSync(named('outputs/full'))).toBe(false);
  });
});
