import { cpSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededDraws } from './draws.js';
import { FaceDataset, type FaceDatasetOptions, originalItem } from './face-dataset.js';
import { writeOneHot } from './one-hot.js';
import { writeTensorFile } from './tensor-file.js';

const fixture = fileURLToPath(new URL('../../../parity/fixtures/dataset', import.meta.url));
const MASKS = 'mask/CelebAMask-HQ-mask-color-palette_32_nearest_downsampled_from_hq_512_one_hot_2d_tensor';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'codiff-faces-'));
  cpSync(fixture, join(folder, 'dataset'), { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true }));

function options(change: Partial<FaceDatasetOptions['dataset']> = {}, root = 'dataset'): FaceDatasetOptions {
  return {
    dataset: {
      phase: 'train',
      testDatasetSize: 2,
      conditions: ['seg_mask', 'text'],
      imageFolder: join(folder, root, 'image/image_64'),
      textFile: join(folder, root, 'text/captions_hq_beard_and_age_2022-08-19.json'),
      maskFolder: join(folder, root, MASKS),
      sketchFolder: join(folder, root, 'sketch/sketch_1x1024_tensor'),
      ...change,
    },
    preprocessor: { size: 64, phase: 'train' },
  };
}
const item = (set: FaceDataset, index = 0) => set.item(index, seededDraws(1));

describe('items', () => {
  it('hold images from -1 to 1, captions and one-hot masks', async () => {
    const { name, image, text, segMask, sketch } = await item(new FaceDataset(options()), 1);
    expect([name, text]).toEqual(['1.jpg', 'there is no beard. this woman is in her forties.']);
    expect(image.length).toBe(64 * 64 * 3);
    expect(Math.min(...image)).toBeGreaterThanOrEqual(-1);
    expect(Math.max(...image)).toBeLessThanOrEqual(1);
    expect(segMask!.reduce((sum, value) => sum + value, 0)).toBe(1024);
    expect(sketch).toBeUndefined();
  });

  it('have the form of the original for one, none, several and unknown conditions', async () => {
    const form = async (conditions: string[]) =>
      Object.keys(originalItem(await item(new FaceDataset(options({ conditions }))), conditions));
    expect(await form(['text'])).toEqual(['image', 'caption']);
    expect(await form(['seg_mask'])).toEqual(['image', 'seg_mask']);
    expect(await form([])).toEqual(['image', 'conditions']);
    expect(await form(['text', 'seg_mask'])).toEqual(['image', 'conditions']);
    expect(await form(['pose'])).toEqual(['image']);
    expect(await form(['pose', 'text'])).toEqual(['image', 'conditions']);
  });

  it('hold sketches [1,1024]', async () => {
    const sketchFolder = join(folder, 'sketches');
    mkdirSync(sketchFolder);
    const values = Float32Array.from({ length: 1024 }, (_, i) => i / 1024);
    await writeTensorFile(join(sketchFolder, '0.pt'), 'float32', [1, 1024], new Uint8Array(values.buffer));
    const set = new FaceDataset(options({ conditions: ['sketch'], sketchFolder }));
    expect((await item(set)).sketch).toEqual(values);
    await writeTensorFile(join(sketchFolder, '1.pt'), 'float32', [1024], new Uint8Array(values.buffer));
    await expect(item(set, 1)).rejects.toThrow(/1\.pt: a tensor of shape \[1024\], \[1,1024\] was wanted/);
  });
});

describe('roots and splits', () => {
  it('finds datasets/ where the config says dataset/, and the other way round', async () => {
    expect(new FaceDataset(options({}, 'datasets')).length).toBe(6);
    cpSync(join(folder, 'dataset'), join(folder, 'second/datasets'), { recursive: true });
    const set = new FaceDataset(options({}, 'second/dataset'));
    expect(set.filesOf('3.jpg').image).toBe(join(folder, 'second/datasets/image/image_64/3.jpg'));
  });

  it('splits off the last ones', () => {
    expect(new FaceDataset(options({ phase: 'test' })).names).toEqual(['6.jpg', '7.jpg']);
    expect(new FaceDataset(options({ phase: 'test', testDatasetSize: 99 })).length).toBe(8);
    expect(new FaceDataset(options({ phase: 'test', testDatasetSize: 0 })).length).toBe(8);
  });

  it('refuses an empty split, saying what to set', () => {
    const wanted = /8 samples, of which the last 0 are for test: none is left for phase 'train'; set test_dataset_size/;
    expect(() => new FaceDataset(options({ testDatasetSize: 0 }))).toThrow(wanted);
    expect(() => new FaceDataset(options({ testDatasetSize: 8 }))).toThrow(/none is left/);
  });

  it('names the missing folder, and both places', () => {
    const imageFolder = join(folder, 'datasets/image/none');
    expect(() => new FaceDataset(options({ imageFolder }))).toThrow(
      /datasets\/image\/none: image_folder: no such file or folder \(nor .*dataset\/image\/none\); put the data there/,
    );
    expect(() => new FaceDataset(options({ maskFolder: 'nowhere' }))).toThrow(/nowhere: mask_folder: no such/);
    expect(() => new FaceDataset(options({ conditions: [], maskFolder: 'nowhere' }))).not.toThrow();
  });
});

describe('bad files name themselves', () => {
  it('a JPEG cut in the middle, a missing one, one that is text', async () => {
    const images = join(folder, 'bad-images');
    cpSync(join(fixture, 'image/image_64'), images, { recursive: true });
    truncateSync(join(images, '0.jpg'), 1500);
    rmSync(join(images, '1.jpg'));
    writeFileSync(join(images, '2.jpg'), 'not an image');
    const set = new FaceDataset(options({ imageFolder: images }));
    await expect(item(set, 0)).rejects.toThrow(/0\.jpg: is no whole JPEG or PNG image/);
    await expect(item(set, 1)).rejects.toThrow(/1\.jpg: no such image; replace the file, or list every bad sample/);
    await expect(item(set, 2)).rejects.toThrow(/2\.jpg: is no whole JPEG/);
    expect((await item(set, 3)).name).toBe('3.jpg');
  });

  it('masks of another shape, not one-hot, cut, missing', async () => {
    const masks = join(folder, 'bad-masks');
    cpSync(join(fixture, MASKS), masks, { recursive: true });
    await writeTensorFile(join(masks, '0.pt'), 'uint8', [2, 3], new Uint8Array(6));
    const none = new BigInt64Array(19 * 1024);
    await writeTensorFile(join(masks, '1.pt'), 'int64', [19, 1024], new Uint8Array(none.buffer));
    truncateSync(join(masks, '2.pt'), 3000);
    rmSync(join(masks, '3.pt'));
    await writeOneHot(join(masks, '4.pt'), new Uint8Array(1024).fill(18));
    const set = new FaceDataset(options({ maskFolder: masks }));
    await expect(item(set, 0)).rejects.toThrow(/0\.pt: a tensor of shape \[2,3\], \[19,1024\] was wanted/);
    await expect(item(set, 1)).rejects.toThrow(/1\.pt: pixel \(0, 0\) is not one-hot: its 19 values sum to 0/);
    await expect(item(set, 2)).rejects.toThrow(/2\.pt: is no tensor that PyTorch saved/);
    await expect(item(set, 3)).rejects.toThrow(/3\.pt: no such tensor file/);
    expect((await item(set, 4)).segMask!.slice(18 * 1024).every((value) => value === 1)).toBe(true);
  });
});
