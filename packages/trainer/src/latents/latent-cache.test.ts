import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile, useEngine } from '@codiff/engine';
import { initParams, type ResolvedConfig, Rng } from '@codiff/ldm-core';
import { loadConfig } from '@codiff/ldm-core/node';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { trainerRegistry } from '../config/targets.js';
import { checkTrainingConfig } from '../config/training-file.js';
import type { FaceDatasetOptions } from '../data/face-dataset.js';
import { findFolders } from '../data/layout.js';
import { FaceLoader } from '../data/loader/face-loader.js';
import { synthesize } from '../data/synth/synthesize.js';
import { type BatchSource, type HostBatch, toTensors } from '../loop/batch-source.js';
import { buildTraining } from '../run/build-training.js';
import { captionTokenizer, faceSource } from '../run/face-source.js';
import { cachedSource } from './cached-source.js';
import { LatentCache, type LatentCacheOptions } from './latent-cache.js';

const ROOT = fileURLToPath(new URL('../../../parity/fixtures', import.meta.url));
let root: string;
let data: FaceDatasetOptions;
beforeAll(async () => {
  await useEngine({ device: 'cpu', deterministic: true });
  root = mkdtempSync(join(tmpdir(), 'latents-'));
  await synthesize({ out: join(root, 'data'), n: 5, size: 64, seed: 1 });
  const dataset = {
    ...findFolders(join(root, 'data')),
    phase: 'train' as const,
    testDatasetSize: 1,
    conditions: ['text', 'seg_mask'],
    maskFolder: findFolders(join(root, 'data')).maskFolder!,
    sketchFolder: '',
  };
  data = { dataset, preprocessor: { size: 64, phase: 'train' } };
});
afterAll(() => rmSync(root, { recursive: true }));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'cache-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const files = () => readdirSync(folder).sort();

/** A cache of numbers that say which image they come from. */
async function numbers(change: Partial<LatentCacheOptions> = {}) {
  const notes: string[] = [];
  let encoded = 0;
  const cache = await LatentCache.open({
    folder,
    dataset: data,
    fingerprint: 'a',
    maxBytes: 1e6,
    batchSize: 3,
    encode: async (items) => {
      encoded += items.length;
      const values = items.flatMap(({ image }) => [image[0]!, image[99]!, image.at(-1)!]);
      return {
        fields: [
          { name: 'x', shape: [2] },
          { name: 'y', shape: [1, 1] },
        ],
        values: Float32Array.from(values),
      };
    },
    onNote: (line) => notes.push(line),
    ...change,
  });
  return { cache, notes, encoded: () => encoded };
}

describe('the cache', () => {
  it('encodes what is missing once, and gives it back', async () => {
    const first = await numbers();
    const second = await numbers();
    expect([first.encoded(), second.encoded()]).toEqual([4, 0]);
    expect(second.notes).toEqual([`cached latents: 4 samples in ${folder}, 0 of them encoded now`]);
    const one = await second.cache.read(2);
    expect(one).toEqual(await first.cache.read(2));
    expect([one.x!.length, one.y!.length]).toEqual([2, 1]);
  });

  it('goes by the networks and by the content of the files', async () => {
    await numbers();
    expect((await numbers({ fingerprint: 'b' })).encoded()).toBe(4);
    expect(files()).toHaveLength(2);
    const image = join(data.dataset.imageFolder, readdirSync(data.dataset.imageFolder).sort()[0]!);
    const before = readFileSync(image);
    writeFileSync(image, 'no image');
    const spoilt = await numbers();
    expect([spoilt.encoded(), spoilt.cache.faults.size]).toEqual([3, 1]);
    expect([...spoilt.cache.faults.values()][0]).toContain('is no whole JPEG or PNG image');
    writeFileSync(image, before);
    expect((await numbers()).encoded()).toBe(0);
  });

  it.each([
    ['a bit turned', (bytes: Buffer) => bytes.fill(bytes.at(-1)! ^ 1, bytes.length - 1)],
    ['an end cut off', (bytes: Buffer) => bytes.subarray(0, bytes.length - 5)],
    ['a header spoilt', (bytes: Buffer) => bytes.fill(0, 18, 25)],
    ['another file', () => Buffer.from('nothing of the kind')],
  ])('makes a damaged file again: %s', async (_, damage) => {
    const whole = await numbers();
    const path = join(folder, files()[0]!);
    const before = readFileSync(path);
    writeFileSync(path, damage(Buffer.from(before)));
    const again = await numbers();
    expect(again.notes[0]).toBe('cached latents: 1 damaged file(s) made again');
    expect(again.encoded()).toBe(4);
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(await again.cache.read(1)).toEqual(await whole.cache.read(1));
  });

  it('keeps within its limit: old files go first, and what never fits is refused', async () => {
    await numbers();
    const old = files()[0]!;
    utimesSync(join(folder, old), 1, 1);
    const size = readFileSync(join(folder, old)).length;
    await numbers({ fingerprint: 'b', maxBytes: size + 20 });
    expect(files()).toHaveLength(1);
    expect(files()).not.toContain(old);
    await expect(numbers({ fingerprint: 'c', maxBytes: 10 })).rejects.toThrow('raise data.cache_gib');
  });

  it('keeps the files of the cache beside it, and counts them', async () => {
    const train = (await numbers()).cache;
    const size = statSync(train.files[0]!).size;
    utimesSync(train.files[0]!, 1, 1);
    await numbers({ fingerprint: 'b' });
    await numbers({ fingerprint: 'c', beside: train, maxBytes: 2 * size });
    expect(files()).toHaveLength(2);
    await expect(train.read(0)).resolves.toHaveProperty('x');
    await expect(numbers({ fingerprint: 'd', beside: train, maxBytes: size })).rejects.toThrow('raise data.cache_gib');
  });

  it('refuses images that training crops at random, says what to do, and takes them for validation', async () => {
    const larger = { ...data, preprocessor: { size: 32, phase: 'train' } };
    await expect(numbers({ dataset: larger })).rejects.toThrow(/is 64x64, so training crops it at random to 32x32/);
    const validation = { ...data, preprocessor: { size: 32, phase: 'val' } };
    expect((await numbers({ dataset: validation })).encoded()).toBe(4);
  });
});

describe('a training step on cached latents', () => {
  const load = (name: string, overrides: readonly string[]): Promise<ResolvedConfig> =>
    loadConfig(`configs/${name}.yaml`, {
      registry: trainerRegistry,
      check: checkTrainingConfig,
      root: ROOT,
      overrides,
    });

  it.each([
    ['tiny_mask', [], ['latent_logvar', 'latent_mean']],
    ['tiny_text', ['model.params.cond_stage_trainable=false'], ['embedding_caption', 'latent_logvar', 'latent_mean']],
    ['tiny_codiff_mask_text', [], ['embedding_seg_mask', 'embedding_text', 'latent_logvar', 'latent_mean']],
  ])(
    '%s: has the loss of one on images, to rounding, and draws from the posterior anew',
    async (name, overrides, keys) => {
      const config = await load(name, overrides);
      const built = buildTraining(config, 1e-4, {});
      const tokenize = await captionTokenizer(built.captionLength);
      const weights = initParams(built.specs, 1);
      const notes: string[] = [];
      const encoder = await built.frozen!(weights, { tokenize, compile });
      const cache = await LatentCache.open({
        folder,
        dataset: data,
        maxBytes: 1e9,
        batchSize: 2,
        ...encoder,
        onNote: (line) => notes.push(line),
      });
      const common = { batchSize: 2, seed: 3, workers: 0 };
      const loaders = [
        new FaceLoader({ ...common, dataset: data }),
        new FaceLoader({ ...common, dataset: { ...data, images: false }, leftOut: cache.faults }),
      ] as const;
      const plain = await first(faceSource(loaders[0], tokenize));
      const cached = await first(cachedSource(loaders[1], cache, tokenize));
      expect(Object.keys(cached)).not.toContain('image');
      expect(
        Object.keys(cached)
          .filter((key) => /^(latent|embedding)_/.test(key))
          .sort(),
      ).toEqual(keys);

      const divided = built.training.divide(weights);
      const lossOf = async (batch: HostBatch, seed: number): Promise<number> => {
        const control = { seed: Rng.of(seed).toTensor(), globalStep: tf.scalar(0, 'int32') };
        const logs = built.training.evaluate(divided.state, divided.frozen, toTensors(batch), control);
        return (await logs['val/loss_simple']!.data())[0]!;
      };
      const [a, b, other] = [await lossOf(plain, 5), await lossOf(cached, 5), await lossOf(cached, 6)];
      expect(Math.abs(a / b - 1)).toBeLessThan(1e-5);
      expect(Math.abs(a / other - 1)).toBeGreaterThan(1e-4);
      weights.dispose();
    },
    120_000,
  );

  async function first(source: BatchSource): Promise<HostBatch> {
    for await (const batch of source.epoch(0, 0)) return batch;
    throw new Error('no batch');
  }
});
