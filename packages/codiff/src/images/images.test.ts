import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectTensors, useCpu } from '../../test/support.js';
import { blend } from './blend.js';
import { makeGrid } from './grid.js';
import { type ByteImage, type ImageBatch, joinBatches, readImages } from './image.js';
import { editedImageBytes, imageBytes, latentBytes } from './levels.js';
import { imageSheet, influenceSheet, loggerSheet } from './sheets.js';

const pixels = (...values: number[]): ImageBatch => ({
  values: Float32Array.from(values),
  shape: [1, 1, values.length, 1],
});
const levels = ([image]: readonly ByteImage[]) => [...image!.values];

describe('levels are clipped and cut off, never rounded', () => {
  it('of images', () => {
    expect(levels(imageBytes(pixels(-2, -1, -0.9999, 0, 0.9999, 1, 2)))).toEqual([0, 0, 0, 127, 254, 255, 255]);
  });

  it('of edited images, the same', () => {
    expect(levels(editedImageBytes(pixels(-2, -1, 0, 0.9999, 1, 2)))).toEqual([0, 0, 127, 254, 255, 255]);
  });

  it('of latents: 4 (scale z + 40)', () => {
    expect(levels(latentBytes(pixels(-50, 0, 0.3, 10, 30)))).toEqual([0, 160, 161, 200, 255]);
    expect(levels(latentBytes(pixels(0.3, -3), 12))).toEqual([174, 16]);
  });

  it('makes one image of each in a batch', () => {
    const batch = { values: Float32Array.from([-1, 1, 0, 0, 1, -1]), shape: [2, 1, 1, 3] } as const;
    const images = imageBytes(batch);
    expect(images.map(({ values }) => [...values])).toEqual([
      [0, 255, 127],
      [127, 255, 0],
    ]);
    expect(images[1]).toMatchObject({ height: 1, width: 1, channels: 3 });
  });
});

describe('a grid', () => {
  const three: ImageBatch = { values: Float32Array.from([1, 2, 3]), shape: [3, 1, 1, 1] };

  it('goes row by row, with a border, maps made grey', () => {
    const { values, shape } = makeGrid(three, { nrow: 2, padding: 1 });
    expect(shape).toEqual([1, 5, 5, 3]);
    const red = [...values].filter((_, i) => i % 3 === 0);
    expect(red).toEqual([0, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('is as narrow as its images, and a single one stays as it is', () => {
    expect(makeGrid(three, { nrow: 10 }).shape).toEqual([1, 5, 11, 3]);
    expect(makeGrid(pixels(1, 2), { nrow: 10 }).shape).toEqual([1, 1, 2, 3]);
  });

  it('refuses an empty batch and an impossible layout', () => {
    expect(() => makeGrid({ values: new Float32Array(), shape: [0, 1, 1, 3] }, { nrow: 1 })).toThrow(/no image/);
    expect(() => makeGrid(three, { nrow: 0 })).toThrow(/nrow is 0/);
    expect(() => makeGrid(three, { nrow: 1, padding: -1 })).toThrow(/padding is -1/);
  });

  it('has a grey ground under images, a black one under influence', () => {
    expect([...imageSheet(three, { nrow: 3, padding: 1 }).values.slice(0, 3)]).toEqual([127, 127, 127]);
    const sheet = influenceSheet({ ...three, values: Float32Array.from([0.999, 1, 0.5]) });
    expect([sheet.height, sheet.width, sheet.channels]).toEqual([5, 11, 3]);
    const row = [...sheet.values.slice(2 * 11 * 3, 3 * 11 * 3)].filter((_, i) => i % 3 === 0);
    expect(row).toEqual([0, 0, 254, 0, 0, 255, 0, 0, 127, 0, 0]);
  });

  it('is clamped before it is laid out where training logs it', () => {
    const { values, width } = loggerSheet(
      { ...three, values: Float32Array.from([-9, 9, 0.5]) },
      { nrow: 4, padding: 0 },
    );
    expect([width, ...values].filter((_, i) => i % 3 === 1 || i === 0)).toEqual([3, 0, 255, 191]);
  });

  it('keeps the low eight bits of levels that training logs without clamping or mapping', () => {
    const levels = (more: object, ...given: number[]) => {
      const image = { values: Float32Array.from(given), shape: [1, 1, 1, 3] as const };
      return [...loggerSheet(image, { nrow: 4, ...more }).values];
    };
    expect(levels({ clamp: false }, -1.1, 3, 0.5)).toEqual([256 - 12, 510 - 256, 191]);
    expect(levels({ rescale: false }, -0.5, 9, 0.5)).toEqual([256 - 127, 255, 127]);
    expect(levels({ clamp: false, rescale: false }, 0, 2, 0.5)).toEqual([0, 510 - 256, 127]);
    const ground = loggerSheet({ ...three, values: Float32Array.of(1, 1, 1) }, { nrow: 3, rescale: false });
    expect(ground.values[0]).toBe(0);
  });
});

describe('blending', () => {
  const of = (...values: number[]): ByteImage => ({
    values: Uint8Array.from(values),
    height: 1,
    width: 1,
    channels: 3,
  });

  it('goes from the first to the second, cut to whole levels', () => {
    expect([...blend(of(0, 255, 100), of(100, 0, 101), 0.3).values]).toEqual([30, 178, 100]);
    expect(blend(of(1, 2, 3), of(4, 5, 6), 0).values).toEqual(of(1, 2, 3).values);
    expect(blend(of(1, 2, 3), of(4, 5, 6), 1).values).toEqual(of(4, 5, 6).values);
  });

  it('clips where it extrapolates', () => {
    expect([...blend(of(100, 200, 50), of(0, 255, 60), 2).values]).toEqual([0, 255, 70]);
  });

  it('refuses two sizes', () => {
    expect(() => blend(of(1, 2, 3), { ...of(1, 2, 3), channels: 1, width: 3 }, 0.5)).toThrow(/1x1x3 and 1x3x1/);
  });
});

describe('reading', () => {
  beforeAll(useCpu);

  it('copies a tensor and leaves it alone', async () => {
    const x = tf.tensor4d([1, 2, 3, 4], [2, 1, 2, 1]);
    await expectTensors(0, async () => {
      expect(await readImages(x)).toEqual({ values: Float32Array.of(1, 2, 3, 4), shape: [2, 1, 2, 1] });
    });
  });

  it('joins batches of one size', () => {
    expect(joinBatches([pixels(1, 2), pixels(3, 4)])).toEqual({
      values: Float32Array.of(1, 2, 3, 4),
      shape: [2, 1, 2, 1],
    });
    expect(() => joinBatches([pixels(1), pixels(1, 2)])).toThrow(/wanted one size/);
    expect(() => joinBatches([])).toThrow(/no batch/);
  });
});
