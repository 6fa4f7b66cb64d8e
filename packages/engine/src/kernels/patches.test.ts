import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { largestDifference, waves } from '../../test/support/kernel.js';
import { type ConvAttrs, convInfo } from './conv-attrs.js';
import { hasPatchRows, imageOfRows, patchRows } from './patches.js';

beforeAll(async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
});

const EXPLICIT: tf.backend_util.ExplicitPadding = [
  [0, 0],
  [2, 0],
  [0, 1],
  [0, 0],
];
const infoOf = (x: number[], filter: number[], attrs: Partial<ConvAttrs> = {}) =>
  convInfo(x, filter, { strides: 1, pad: 'same', dataFormat: 'NHWC', ...attrs });

describe('patchRows', () => {
  it('has a row for each pixel: what the filter sees, tap by tap, zeros outside', () => {
    const x = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]);
    const rows = patchRows(x, infoOf([1, 2, 2, 1], [3, 3, 1, 1]));
    expect(rows.arraySync()).toEqual([
      [0, 0, 0, 0, 1, 2, 0, 3, 4],
      [0, 0, 0, 1, 2, 0, 3, 4, 0],
      [0, 1, 2, 0, 3, 4, 0, 0, 0],
      [1, 2, 0, 3, 4, 0, 0, 0, 0],
    ]);
  });

  it.each<{ kernel: [number, number]; pad: ConvAttrs['pad'] }>([
    { kernel: [3, 3], pad: 'same' },
    { kernel: [3, 2], pad: 'valid' },
    { kernel: [2, 4], pad: 'same' },
    { kernel: [3, 3], pad: 1 },
    { kernel: [4, 3], pad: EXPLICIT },
  ])('times the filter is the convolution, filter $kernel, padding $pad', ({ kernel, pad }) => {
    const [x, w] = [waves([2, 6, 5, 3]) as tf.Tensor4D, waves([...kernel, 3, 4], 1) as tf.Tensor4D];
    const info = infoOf(x.shape, w.shape, { pad });
    const rows = patchRows(x, info);
    expect(rows.shape).toEqual([2 * info.outHeight * info.outWidth, kernel[0] * kernel[1] * 3]);
    const product = tf.matMul(rows, tf.reshape(w, [-1, 4]) as tf.Tensor2D);
    expect(largestDifference(tf.reshape(product, info.outShape), tf.conv2d(x, w, 1, pad))).toBeLessThan(1e-5);
  });
});

describe('imageOfRows', () => {
  it.each<{ kernel: [number, number]; pad: ConvAttrs['pad'] }>([
    { kernel: [3, 3], pad: 'same' },
    { kernel: [3, 2], pad: 'valid' },
    { kernel: [2, 4], pad: 'same' },
    { kernel: [4, 3], pad: EXPLICIT },
  ])('is the transpose of the rows, filter $kernel, padding $pad', ({ kernel, pad }) => {
    const x = waves([2, 6, 5, 3]) as tf.Tensor4D;
    const info = infoOf(x.shape, [...kernel, 3, 4], { pad });
    const rows = patchRows(x, info);
    const dy = waves(rows.shape, 1);
    const image = imageOfRows(dy, info);
    expect(image.shape).toEqual(x.shape);
    const [along, back] = [tf.sum(tf.mul(rows, dy)), tf.sum(tf.mul(x, image))];
    expect(largestDifference(along, back)).toBeLessThan(1e-4);
    const one: tf.Tensor4D = tf.reshape(tf.cast(tf.oneHot(17, 180), 'float32'), x.shape);
    expect(image.dataSync()[17]).toBeCloseTo(tf.sum(tf.mul(patchRows(one, info), dy)).dataSync()[0]!, 4);
  });
});

describe('hasPatchRows', () => {
  const x = [1, 8, 8, 4];
  it.each<[boolean, string, number[], Partial<ConvAttrs>]>([
    [true, 'a filter of 3 x 3', [3, 3, 4, 2], {}],
    [true, 'a filter of one row', [1, 3, 4, 2], {}],
    [false, 'a filter of one pixel: the image has those rows already', [1, 1, 4, 2], {}],
    [false, 'pixels left out in one direction', [3, 3, 4, 2], { strides: [1, 2] }],
    [false, 'pixels left out in both', [3, 3, 4, 2], { strides: 2 }],
    [false, 'a filter with holes below each other', [3, 3, 4, 2], { dilations: [2, 1] }],
    [false, 'a filter with holes side by side', [3, 3, 4, 2], { dilations: [1, 2] }],
    [false, 'channels first', [3, 3, 8, 2], { dataFormat: 'NCHW' }],
  ])('%s for %s', (wanted, _, filter, attrs) => {
    expect(hasPatchRows(infoOf(x, filter, attrs))).toBe(wanted);
  });
});
