import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FaceDatasetOptions } from '../face-dataset.js';
import { BatchOrder, batchesPerEpoch } from './batch-order.js';
import type { FaceBatch } from './collate.js';
import { FaceLoader, type FaceLoaderOptions } from './face-loader.js';

const fixture = fileURLToPath(new URL('../../../../parity/fixtures/dataset', import.meta.url));

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'codiff-loader-'));
  cpSync(join(fixture, 'image/image_64'), join(folder, 'bad'), { recursive: true });
  writeFileSync(join(folder, 'bad/2.jpg'), 'no image');
});
afterAll(() => rmSync(folder, { recursive: true }));

const MASKS = 'mask/CelebAMask-HQ-mask-color-palette_32_nearest_downsampled_from_hq_512_one_hot_2d_tensor';
const dataset = (imageFolder = join(fixture, 'image/image_64')): FaceDatasetOptions => ({
  dataset: {
    phase: 'train',
    testDatasetSize: 1,
    conditions: ['seg_mask', 'text'],
    imageFolder,
    textFile: join(fixture, 'text/captions_hq_beard_and_age_2022-08-19.json'),
    maskFolder: join(fixture, MASKS),
    sketchFolder: '',
  },
  // Smaller than the images, so that the random crops matter.
  preprocessor: { size: 48, phase: 'train' },
});

/** Batches of a loader, closed afterwards. */
async function take(n: number, options: Partial<FaceLoaderOptions> = {}): Promise<FaceBatch[]> {
  const loader = new FaceLoader({ dataset: dataset(), batchSize: 3, seed: 5, workers: 0, ...options });
  try {
    const batches: FaceBatch[] = [];
    for (let i = 0; i < n; i++) batches.push(await loader.next());
    return batches;
  } finally {
    await loader.close();
  }
}
const names = (batches: readonly FaceBatch[]) => batches.map((batch) => batch.names);

describe('FaceLoader', () => {
  it('hands out every sample once an epoch, in another order the next, the last batch short', async () => {
    const batches = await take(6);
    expect(batches.map(({ position: { epoch, batch } }) => [epoch, batch])).toEqual([
      [0, 0],
      [0, 1],
      [0, 2],
      [1, 0],
      [1, 1],
      [1, 2],
    ]);
    expect(batches.map(({ imageShape }) => imageShape[0])).toEqual([3, 3, 1, 3, 3, 1]);
    const epoch = (e: number) => names(batches.slice(3 * e, 3 * e + 3)).flat();
    expect([...epoch(0)].sort()).toEqual(['0.jpg', '1.jpg', '2.jpg', '3.jpg', '4.jpg', '5.jpg', '6.jpg']);
    expect([...epoch(1)].sort()).toEqual([...epoch(0)].sort());
    expect(epoch(1)).not.toEqual(epoch(0));
    expect(batches[0]!.segMask!.length).toBe(3 * 19 * 1024);
    expect(batches[0]!.text!.length).toBe(3);
    expect(batches[0]!.image.length).toBe(3 * 48 * 48 * 3);
  });

  it('gives the same batches with threads as without, whatever is read ahead', async () => {
    const plain = await take(4);
    expect(await take(4, { workers: 2, ahead: 7 })).toEqual(plain);
    expect(await take(4, { ahead: 1 })).toEqual(plain);
    expect(names(await take(3, { seed: 6 }))).not.toEqual(names(plain.slice(0, 3)));
  });

  it('goes on from a position as if it had never stopped', async () => {
    const loader = new FaceLoader({ dataset: dataset(), batchSize: 3, seed: 5, workers: 0 });
    const whole = await take(7);
    for (let i = 0; i < 4; i++) await loader.next();
    const position = structuredClone(loader.position);
    await loader.close();
    expect(position).toEqual({ epoch: 1, batch: 1 });
    expect(await take(3, { position })).toEqual(whole.slice(4));
    const again = new FaceLoader({ dataset: dataset(), batchSize: 3, seed: 5, workers: 0 });
    await again.next();
    again.seek(position);
    expect(await again.next()).toEqual(whole[4]);
    await again.close();
  });

  it('refuses a position that the data set does not have', async () => {
    await expect(take(1, { position: { epoch: 0, batch: 3 } })).rejects.toThrow(
      /position is epoch 0, batch 3; an epoch has batches 0 to 2/,
    );
    await expect(take(1, { position: { epoch: -1, batch: 0 } })).rejects.toThrow(/epoch -1/);
  });

  it('keeps order without shuffling, and can drop the short batch', async () => {
    const batches = await take(3, { shuffle: false, dropLast: true });
    expect(names(batches)).toEqual([
      ['0.jpg', '1.jpg', '2.jpg'],
      ['3.jpg', '4.jpg', '5.jpg'],
      ['0.jpg', '1.jpg', '2.jpg'],
    ]);
    await expect(take(1, { batchSize: 8, dropLast: true })).rejects.toThrow(/7 samples give no full batch of 8/);
  });

  it('shares batches among processes so that together they are those of one', async () => {
    const whole = await take(1, { batchSize: 6 });
    const shares = await Promise.all([0, 1].map((rank) => take(1, { world: 2, rank })));
    expect(shares.flatMap((share) => names(share)[0])).toEqual(names(whole)[0]);
    expect(Float32Array.of(...shares[0]![0]!.image, ...shares[1]![0]!.image)).toEqual(whole[0]!.image);
    // Seven samples: the second batch has one left, so one is taken from the beginning.
    const last = await Promise.all([0, 1].map((rank) => take(2, { world: 2, rank })));
    expect(last.map((batches) => batches[1]!.names.length)).toEqual([1, 1]);
  });
});

describe('a corrupt file', () => {
  it.each([0, 1])('is left out with one counted warning and its place taken (%i threads)', async (workers) => {
    const warnings: [string, number][] = [];
    const onWarning = (message: string, count: number) => warnings.push([message, count]);
    const options = { dataset: dataset(join(folder, 'bad')), shuffle: false, workers, onWarning };
    expect(names(await take(4, options))).toEqual([
      ['0.jpg', '1.jpg', '3.jpg'],
      ['3.jpg', '4.jpg', '5.jpg'],
      ['6.jpg'],
      ['0.jpg', '1.jpg', '3.jpg'],
    ]);
    expect(warnings).toEqual([[expect.stringMatching(/bad\/2\.jpg: is no whole JPEG or PNG image/), 1]]);
  });

  it('stops a strict run with its name', async () => {
    const options = { dataset: dataset(join(folder, 'bad')), shuffle: false, strict: true };
    await expect(take(1, options)).rejects.toThrow(/2\.jpg: .*is no whole JPEG or PNG image/);
  });

  it('cannot be replaced where all are', async () => {
    const all = { ...dataset(), dataset: { ...dataset().dataset, maskFolder: folder } };
    await expect(take(1, { dataset: all })).rejects.toThrow(/none of its 7 samples can be read; the first: .*\.pt/);
  });
});

describe('BatchOrder', () => {
  const options = { length: 10, batchSize: 2, shuffle: true, seed: 1, dropLast: false, world: 2, rank: 0 };

  it('has the same number of batches for every process', () => {
    expect([0, 1].map((rank) => batchesPerEpoch({ ...options, rank }))).toEqual([3, 3]);
    expect(batchesPerEpoch({ ...options, dropLast: true })).toBe(2);
  });

  it('refuses an empty set and impossible sizes', () => {
    expect(() => new BatchOrder({ ...options, length: 0 })).toThrow(/empty/);
    expect(() => new BatchOrder({ ...options, batchSize: 0 })).toThrow(/batch size 0/);
    expect(() => new BatchOrder({ ...options, rank: 2 })).toThrow(/rank 2 of 2/);
  });
});
