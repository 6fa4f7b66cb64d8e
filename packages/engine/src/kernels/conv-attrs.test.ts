import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { type ConvAttrs, convAttrs, convInfo, paddedImage } from './conv-attrs.js';

const plain: ConvAttrs = { strides: 1, pad: 'same', dataFormat: 'NHWC' };
const attrOf = (attrs: ConvAttrs, name: string): unknown =>
  convAttrs(convInfo([1, 8, 8, 4], [3, 3, 4, 2], attrs)).find((attr) => attr.name === name)?.value;

it('says padding by its name, or by its sides in the order of the format', () => {
  expect([attrOf(plain, 'padding'), attrOf(plain, 'explicit_paddings')]).toEqual(['SAME', undefined]);
  const sides: tf.backend_util.ExplicitPadding = [
    [0, 0],
    [1, 2],
    [3, 4],
    [0, 0],
  ];
  const explicit: ConvAttrs = { ...plain, pad: sides };
  expect(attrOf(explicit, 'padding')).toBe('EXPLICIT');
  expect(attrOf(explicit, 'explicit_paddings')).toEqual([0, 0, 1, 2, 3, 4, 0, 0]);
  expect(attrOf({ ...plain, pad: 1 }, 'padding')).toBe('EXPLICIT');
});

it('has strides and dilations per axis, and none of the latter where nothing is said', () => {
  expect(attrOf({ ...plain, strides: [2, 1] }, 'strides')).toEqual([1, 2, 1, 1]);
  expect(attrOf(plain, 'dilations')).toEqual([1, 1, 1, 1]);
  expect(attrOf({ ...plain, dilations: 2 }, 'dilations')).toEqual([1, 2, 2, 1]);
});

it('pads an image with the zeros that the convolution would take', async () => {
  await tf.setBackend('cpu');
  const info = convInfo([1, 1, 2, 1], [3, 3, 1, 1], { ...plain, pad: 1 });
  const y = paddedImage(tf.tensor4d([5, 6], [1, 1, 2, 1]), info);
  expect(y.shape).toEqual([1, 3, 4, 1]);
  expect(Array.from(y.dataSync())).toEqual([0, 0, 0, 0, 0, 5, 6, 0, 0, 0, 0, 0]);
  y.dispose();
});
