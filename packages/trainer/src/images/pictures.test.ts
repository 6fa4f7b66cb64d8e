import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile, useEngine } from '@codiff/engine';
import { initParams, Rng } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { syntheticSource } from '../../test/synthetic-source.js';
import { tinyBatch, tinyCompose, tinyDiffusion, tinyVae } from '../../test/tiny-models.js';
import { ImageLoggerConfig } from '../config/callback-configs.js';
import { decodeImage } from '../data/decode-image.js';
import { openEventFile } from '../log/event-file.js';
import type { LoggedImage, LogSink } from '../log/log-sink.js';
import type { HostBatch } from '../loop/batch-source.js';
import type { ImageLogState } from '../loop/image-cadence.js';
import { drawCaptions, drawMasks } from './condition-pictures.js';
import { ImageLogger } from './image-logger.js';
import { composePictures, latentDiffusionPictures } from './model-pictures.js';
import { pictureOptions } from './picture-options.js';
import type { MakePictures, Pictures } from './pictures.js';
import { vaePictures } from './vae-pictures.js';

beforeAll(() => useEngine({ device: 'cpu', deterministic: true, threads: 1 }));

const small = { image_size: 4, timesteps: 12, log_every_t: 5 };
const readTokens = (ids: Int32Array) => [...ids].join(' ');
const kwargs = { ddim_steps: 4, N: 8, n_row: 1 };

/** Pictures of freshly drawn weights, and that nothing else is left behind. */
async function made(tiny: { specs: Parameters<typeof initParams>[0] }, make: MakePictures): Promise<Pictures> {
  const drawn = initParams(tiny.specs, 1);
  // Last layers begin as zeros, and would show nothing.
  const p = drawn.map((tensor, key) =>
    tf.tidy(() =>
      key.endsWith('out.2.weight') ? tf.add(tensor, Rng.of(2).split(key).normal(tensor.shape)) : tf.clone(tensor),
    ),
  );
  drawn.dispose();
  const batch = tinyBatch();
  const held = tf.memory().numTensors;
  const pictures = await make(p, batch, Rng.of(4));
  expect(tf.memory().numTensors).toBe(held);
  p.dispose();
  tf.dispose(Object.values(batch));
  return pictures;
}

const shapes = (pictures: Pictures) =>
  Object.fromEntries(Object.entries(pictures).map(([key, { images }]) => [key, images.shape.join()]));

describe('the keys of log_images', () => {
  it('of an autoencoder', async () => {
    const tiny = tinyVae();
    const of = (given: Readonly<Record<string, unknown>>) =>
      vaePictures(tiny.model, 'image', pictureOptions(given, false), compile);
    const pictures = await made(tiny, of({}));
    expect(shapes(pictures)).toEqual({ inputs: '2,8,8,3', reconstructions: '2,8,8,3', samples: '2,8,8,3' });
    expect(Object.keys(await made(tiny, of({ only_inputs: true })))).toEqual(['inputs']);
  });

  it.each(['text', 'mask'] as const)('of a latent diffusion model of %s', async (kind) => {
    const tiny = tinyDiffusion(kind, {}, small);
    const options = pictureOptions({ ...kwargs, plot_denoise_rows: true }, false);
    const pictures = await made(tiny, latentDiffusionPictures(tiny.model, { options, compile, readTokens }));
    // Rows: timesteps 0, 5, 10 and 11, a border of two pixels; a row for each sample.
    const row = `1,12,${4 * 10 + 2},3`;
    expect(shapes(pictures)).toEqual({
      inputs: '2,8,8,3',
      reconstruction: '2,8,8,3',
      conditioning: '2,8,8,3',
      diffusion_row: row,
      samples: '2,8,8,3',
      denoise_row: '1,22,42,3',
      samples_inpainting: '2,8,8,3',
      mask: '2,4,4,1',
      samples_outpainting: '2,8,8,3',
      progressive_row: '1,22,42,3',
    });
    const hole = [...pictures.mask!.images.values.slice(0, 16)];
    expect(hole).toEqual([1, 1, 1, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 1, 1, 1]);
    expect(pictures.samples!.images.values).not.toEqual(pictures.samples_inpainting!.images.values);
  });

  it('of a collaborative model: both conditions, and the maps of its samples', async () => {
    const tiny = tinyCompose({}, small);
    const options = pictureOptions(kwargs, true);
    const pictures = await made(tiny, composePictures(tiny.model, { options, compile, readTokens }));
    expect(Object.keys(pictures).sort()).toEqual([
      'conditioning_seg_mask',
      'conditioning_text',
      'diffusion_row',
      'influence_seg_mask',
      'influence_text',
      'inputs',
      'reconstruction',
      'samples',
    ]);
    // Four steps of 4 x 4 maps for two samples. Influences add up to 1, so on the range of images to 0.
    const [mask, text] = [pictures.influence_seg_mask!.images, pictures.influence_text!.images];
    expect(mask.shape).toEqual([1, 14, 26, 3]);
    mask.values.forEach((value, i) => {
      expect(value + text.values[i]!).toBeCloseTo(0, 5);
    });
    expect(mask.values.some((value) => value !== 0)).toBe(true);
  });

  it('only the wanted ones are made, by all steps where ddim_steps is null', async () => {
    const tiny = tinyDiffusion('text', {}, small);
    const options = pictureOptions({ ddim_steps: null, return_keys: ['samples'] }, false);
    const pictures = await made(tiny, latentDiffusionPictures(tiny.model, { options, compile, readTokens }));
    expect(shapes(pictures)).toEqual({ samples: '2,8,8,3' });
    expect(() => pictureOptions({ N: 0 }, false)).toThrow('log_images_kwargs.N');
  });
});

describe('conditions', () => {
  it('draws captions black on white, broken between words', () => {
    const { values, shape } = drawCaptions(['a b', ''], 64);
    expect(shape).toEqual([2, 64, 64, 3]);
    const dark = (from: number, to: number) => values.subarray(from, to).filter((value) => value === -1).length / 3;
    const picture = 64 * 64 * 3;
    // Dots of the letters a and b.
    expect([dark(0, picture), dark(picture, 2 * picture)]).toEqual([30, 0]);
    const wrapped = drawCaptions(['twelve letters'], 64).values;
    expect(wrapped.subarray(9 * 64 * 3, 20 * 64 * 3)).toContain(-1);
  });

  it('draws masks in the colours of their classes', () => {
    const mask = new Int32Array(19 * 4);
    [0, 1, 13, 18].forEach((label, point) => {
      mask[label * 4 + point] = 1;
    });
    const { values } = drawMasks(mask, [1, 19, 4], 4);
    const levels = (x: number, y: number) =>
      [0, 1, 2].map((c) => Math.round((values[(y * 4 + x) * 3 + c]! + 1) * 127.5));
    expect([levels(0, 0), levels(3, 0), levels(0, 3), levels(3, 3)]).toEqual([
      [0, 0, 0],
      [204, 0, 0],
      [0, 0, 204],
      [0, 204, 0],
    ]);
  });
});

describe('the image logger', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'images-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const config = (given: object) => ImageLoggerConfig.parse({ batchFrequency: 4, maxImages: 1, ...given });
  const noLog: LogSink = {
    scalars: async () => undefined,
    image: async () => undefined,
    text: async () => undefined,
    close: async () => undefined,
  };

  async function logger(given: object, more: Partial<LogSink> = {}) {
    const tiny = tinyVae();
    const divided = tiny.training.divide(initParams(tiny.specs, 1));
    const memory: { imageLog: ImageLogState | null } = { imageLog: null };
    const make = vaePictures(tiny.model, 'image', { onlyInputs: true }, compile);
    const log = { ...noLog, ...more };
    const images = new ImageLogger({
      config: config(given),
      make,
      training: tiny.training,
      seed: 1,
      folder,
      log,
      memory,
    });
    let batch: HostBatch | undefined;
    for await (const each of syntheticSource(1).epoch(0, 0)) batch = each;
    const at = (globalStep: number, split: 'train' | 'val' = 'train') =>
      images.at({ split, globalStep, batchIndex: 7, epoch: 2 }, divided, batch!);
    return { at, memory };
  }

  it('names files as the original, at steps 1, 2, 4, 8, 12, ..., once a step and split', async () => {
    const { at } = await logger({});
    const logged: number[] = [];
    for (let step = 0; step <= 12; step++) if ((await at(step)) !== null) logged.push(step);
    expect(logged).toEqual([1, 2, 4, 8, 12]);
    expect(await at(12)).toBeNull();
    expect(await at(12, 'val')).toHaveLength(1);
    expect(readdirSync(join(folder, 'images', 'val'))).toEqual(['inputs_gs-000012_e-000002_b-000007.png']);
    expect(readdirSync(join(folder, 'images', 'train'))[0]).toBe('inputs_gs-000001_e-000002_b-000007.png');
  });

  it('cuts each key to max_images, and logs the same for TensorBoard', async () => {
    const logged: [number, string, LoggedImage][] = [];
    const { at } = await logger({}, { image: async (...given) => void logged.push(given) });
    const [file] = (await at(4))!;
    expect(await decodeImage(file!)).toMatchObject({ width: 8, height: 8 });
    expect(logged.map(([step, name, { width }]) => [step, name, width])).toEqual([[4, 'train/inputs', 8]]);
    const both = await logger({ maxImages: 8 });
    expect(await decodeImage((await both.at(4))![0]!)).toMatchObject({ width: 22, height: 12 });
    const events = await openEventFile(join(folder, 'events'), { step: 1 });
    await events.image(...logged[0]!);
    await events.close();
    expect(existsSync(join(folder, 'events'))).toBe(true);
  });

  it('logs nothing if disabled or given no images, and step 0 only if asked', async () => {
    expect(await (await logger({ disabled: true })).at(4)).toBeNull();
    expect(await (await logger({ maxImages: 0 })).at(4)).toBeNull();
    expect(await (await logger({ logFirstStep: true })).at(0)).toHaveLength(1);
  });

  it('goes on from what a checkpoint remembers', async () => {
    const { at, memory } = await logger({});
    await at(1);
    const again = await logger({});
    again.memory.imageLog = JSON.parse(JSON.stringify(memory.imageLog)) as ImageLogState;
    expect(await again.at(1)).toBeNull();
    expect(await again.at(2)).toHaveLength(1);
  });
});
