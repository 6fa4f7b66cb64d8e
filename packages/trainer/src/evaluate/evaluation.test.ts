import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useEngine } from '@codiff/engine';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FACE_CLASSES } from '../data/classes.js';
import { encodePng } from '../data/decode-image.js';
import { seededDraws } from '../data/draws.js';
import { encodeMaskPng } from '../data/write-mask-png.js';
import { evaluationTable, type MetricName, type ProtocolName } from './evaluation-table.js';
import { folderEntries } from './held-out-faces.js';
import { listImages } from './image-set.js';
import { measureImages } from './measure.js';
import type { EvaluationNetworks } from './networks.js';

const SIDE = 8;
const root = mkdtempSync(join(tmpdir(), 'codiff-evaluate-'));
afterAll(() => rmSync(root, { recursive: true }));

/** Red levels 0 to 18 times 10 are the classes; features are means and corners; captions tell whether the image is bright. */
const networks: EvaluationNetworks = {
  features: {
    name: 'corners',
    width: 4,
    side: SIDE,
    features: (x) =>
      tf.tidy(() => {
        const corner = tf.reshape(tf.slice(x, [0, 0, 0, 0], [-1, 1, 1, 3]), [-1, 3]);
        return tf.concat([corner, tf.reshape(tf.mean(x, [1, 2, 3]), [-1, 1])], 1) as tf.Tensor2D;
      }),
  },
  parser: {
    name: 'red levels',
    classes: FACE_CLASSES.map(({ name }) => name),
    side: SIDE,
    parse: (x) =>
      tf.tidy(() => {
        const red = tf.squeeze(tf.slice(x, [0, 0, 0, 0], [-1, -1, -1, 1]), [3]);
        return tf.cast(tf.round(tf.div(tf.mul(tf.add(red, 1), 127.5), 10)), 'int32') as tf.Tensor3D;
      }),
  },
  text: {
    name: 'brightness',
    checkCaption: (caption) => {
      if (!['bright', 'dark'].includes(caption)) throw new Error(`'${caption}' is neither bright nor dark`);
    },
    async judge(x, captions) {
      const means = await tf.tidy(() => tf.mean(x, [1, 2, 3])).data();
      const overall = Float64Array.from(captions, (caption, i) =>
        (caption === 'bright') === means[i]! > -0.3 ? 1 : 0,
      );
      return { overall, parts: new Map([['age', overall]]) };
    },
  },
  dispose: () => undefined,
};

/** Images whose red channel is their mask, and their masks. */
async function write(folder: string, n: number, seed: number, names = (i: number) => `${i}`): Promise<void> {
  mkdirSync(join(root, folder, 'masks'), { recursive: true });
  const draws = seededDraws(seed, 'images');
  for (let i = 0; i < n; i++) {
    const ids = Uint8Array.from({ length: SIDE * SIDE }, () => Math.floor(draws.random() * 19));
    const values = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, k) =>
      k % 3 === 0 ? ids[k / 3]! * 10 : Math.floor(draws.random() * 255),
    );
    writeFileSync(
      join(root, folder, `${names(i)}.png`),
      await encodePng({ values, width: SIDE, height: SIDE, channels: 3 }),
    );
    writeFileSync(
      join(root, folder, 'masks', `${names(i)}.png`),
      encodeMaskPng({ values: ids, width: SIDE, height: SIDE, channels: 1 }),
    );
  }
}

beforeAll(async () => {
  await useEngine({ device: 'cpu' });
  await write('a', 60, 1);
  await write('b', 40, 2);
  await write('samples', 24, 3, (i) => `${Math.floor(i / 2)}_${i % 2}`);
});

const measured = async (folder: string, more: Partial<Parameters<typeof folderEntries>[0]> = {}) =>
  measureImages(folderEntries({ images: join(root, folder), ...more }), { networks, batchSize: 16 });
const options = (protocol: ProtocolName) => ({ protocol, seed: 1, resamples: 20 });
const metricOf = (rows: readonly { metric: MetricName; value: number }[], metric: MetricName) =>
  rows.find((row) => row.metric === metric)?.value;

describe('a folder against itself', () => {
  it('has a Frechet distance of 0, and an accuracy of 1, by masks and by likenesses', async () => {
    const reference = await measured('a');
    for (const more of [{ masks: join(root, 'a/masks') }, { likenesses: join(root, 'a') }]) {
      const { rows } = evaluationTable(await measured('a', more), reference, options('all'));
      expect(metricOf(rows, 'frechet')).toBeLessThan(1e-6);
      expect(metricOf(rows, 'mask_accuracy')).toBe(1);
      expect(metricOf(rows, 'mask_miou')).toBe(1);
      expect(rows.find(({ metric }) => metric === 'mask_accuracy')).toMatchObject({ n: 60, low: 1, high: 1 });
    }
  });

  it('is itself as an edit: identity 1', async () => {
    const { rows } = evaluationTable(await measured('a', { originals: join(root, 'a') }), undefined, options('all'));
    expect(rows.map(({ metric }) => metric)).toEqual(['identity']);
    expect(rows[0]!.value).toBeCloseTo(1, 6);
  });
});

describe('evaluationTable', () => {
  it('gives every metric its interval, the same for a seed', async () => {
    const [a, b] = [await measured('a', { masks: join(root, 'a/masks') }), await measured('b')];
    const table = evaluationTable(a, b, options('all'));
    expect(table).toEqual(evaluationTable(a, b, options('all')));
    for (const { low, value, high } of table.rows) {
      expect(low).toBeLessThanOrEqual(value);
      expect(value).toBeLessThanOrEqual(high);
    }
    expect(table.warnings.join()).toContain('Frechet distance of 60 images to 40 real ones');
  });

  it('takes 50 images for the paper, with a warning, and refuses 3000 of 60', async () => {
    const [a, b] = [await measured('a'), await measured('b')];
    const { rows, warnings } = evaluationTable(a, b, options('paper'));
    expect(rows.map(({ n }) => n)).toEqual([50, 50]);
    expect(warnings.join()).toContain('not comparable with one of 3000');
    expect(() => evaluationTable(a, b, options('large'))).toThrow('too few images: 60; wanted at least 3000');
    expect(() => evaluationTable(b, b, options('paper'))).toThrow('too few images: 40; wanted at least 50');
  });

  it('knows samples of one condition by their names: diversity, and intervals by condition', async () => {
    const masks = join(root, 'conditions');
    mkdirSync(masks);
    for (let i = 0; i < 12; i++) {
      const values = new Uint8Array(SIDE * SIDE);
      writeFileSync(join(masks, `${i}.png`), encodeMaskPng({ values, width: SIDE, height: SIDE, channels: 1 }));
    }
    const samples = await measured('samples', { masks });
    expect(new Set(samples.conditions).size).toBe(12);
    const { rows } = evaluationTable(samples, undefined, options('all'));
    const diversity = rows.find(({ metric }) => metric === 'diversity')!;
    expect(diversity.n).toBe(12);
    expect(diversity.value).toBeGreaterThan(0);
    expect(metricOf(rows, 'mask_accuracy')).toBeLessThan(0.2);
  });

  it('judges captions', async () => {
    const captions = join(root, 'captions.json');
    const entries = Object.fromEntries(
      Array.from({ length: 60 }, (_, i) => [`${i}.png`, { Beard_and_Age: i % 2 === 0 ? 'Bright' : 'dark' }]),
    );
    writeFileSync(captions, JSON.stringify(entries));
    const found = await measured('a', { captions });
    const { rows } = evaluationTable(found, undefined, options('all'));
    const expected = found.text!.overall.reduce((sum, value) => sum + value, 0) / 60;
    expect(metricOf(rows, 'text_consistency')).toBeCloseTo(expected, 12);
    expect(metricOf(rows, 'text_age')).toBeCloseTo(expected, 12);
    expect(expected).toBeGreaterThan(0);
    expect(expected).toBeLessThan(1);
  });
});

describe('bad input', () => {
  it('is refused: an empty folder, none, few images, mixed sizes, a caption of another kind, a missing mask', async () => {
    mkdirSync(join(root, 'empty'));
    expect(() => listImages(join(root, 'empty'), '--images')).toThrow('holds no image');
    expect(() => listImages(join(root, 'nowhere'), '--images')).toThrow('is no folder');
    await write('few', 9, 4);
    const few = await measured('few');
    expect(() => evaluationTable(few, few, options('all'))).toThrow('too few images: 9; wanted at least 10');
    await write('mixed', 20, 5);
    const values = new Uint8Array(16 * 8 * 3);
    writeFileSync(join(root, 'mixed/19.png'), await encodePng({ values, width: 16, height: 8, channels: 3 }));
    await expect(measured('mixed')).rejects.toThrow(/images of mixed sizes: .*19\.png is 16x8, .*0\.png is 8x8/);
    const captions = join(root, 'odd.json');
    writeFileSync(
      captions,
      JSON.stringify(Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`${i}.png`, { Beard_and_Age: 'loud' }]))),
    );
    await expect(measured('b', { captions })).rejects.toThrow("'loud' is neither bright nor dark");
    await expect(measured('a', { masks: join(root, 'b/masks') })).rejects.toThrow('has nothing for');
  });
});
