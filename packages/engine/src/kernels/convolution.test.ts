import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { largestDifference, waves } from '../../test/support/kernel.js';
import { testWithoutLeaks } from '../../test/support/leak-free.js';
import { compile } from '../compile/index.js';
import { formOf } from './convolution.js';

testWithoutLeaks();

type Pad = 'same' | 'valid' | number | tf.backend_util.ExplicitPadding;
const info = (x: number[], filter: number[], pad: Pad, strides = 1) =>
  tf.backend_util.computeConv2DInfo(
    x as [number, number, number, number],
    filter as [number, number, number, number],
    strides,
    1,
    pad,
  );

describe('formOf', () => {
  it.each([
    ['columns', [1, 8, 8, 960], [3, 3, 960, 960]],
    ['columns', [4, 8, 8, 960], [3, 3, 960, 960]],
    ['columns', [1, 32, 32, 384], [3, 3, 384, 384]],
    ['halves', [1, 64, 64, 384], [3, 3, 384, 192]],
    ['halves', [1, 256, 256, 512], [3, 3, 512, 256]],
    ['direct', [1, 512, 512, 256], [3, 3, 256, 256]],
    ['direct', [2, 64, 64, 384], [3, 3, 384, 192]],
    ['direct', [1, 64, 64, 192], [3, 3, 192, 192]],
    ['direct', [1, 8, 8, 960], [1, 1, 960, 960]],
    ['direct', [1, 63, 64, 512], [3, 3, 512, 512]],
    ['direct', [2, 32, 32, 512], [3, 3, 512, 512]],
  ])('%s for an image of %j and a filter of %j', (form, x, filter) => {
    expect(formOf(info(x, filter, 'same'))).toBe(form);
  });

  it.each([
    ['columns', [1, 8, 8, 960], [3, 3, 960, 960]],
    ['direct', [1, 16, 16, 960], [3, 3, 960, 960]],
    ['direct', [1, 8, 8, 384], [3, 3, 384, 960]],
    ['direct', [1, 64, 64, 512], [3, 3, 512, 512]],
  ])('%s in bfloat16 for an image of %j and a filter of %j', (form, x, filter) => {
    expect(formOf(info(x, filter, 'same'), true)).toBe(form);
  });

  it('is direct where pixels are left out', () => {
    expect(formOf(info([1, 64, 64, 512], [3, 3, 512, 8], 'same', 2))).toBe('direct');
  });
});

const EXPLICIT: Pad = [
  [0, 0],
  [2, 0],
  [0, 1],
  [0, 0],
];
describe.each<{ form: string; image: [number, number, number, number]; kernel: [number, number]; pad: Pad }>([
  { form: 'columns', image: [1, 6, 5, 256], kernel: [3, 3], pad: 'same' },
  { form: 'columns', image: [2, 6, 5, 256], kernel: [3, 2], pad: 'valid' },
  { form: 'columns', image: [1, 6, 5, 256], kernel: [4, 3], pad: EXPLICIT },
  { form: 'columns', image: [1, 6, 5, 256], kernel: [3, 3], pad: 1 },
  { form: 'halves', image: [1, 34, 33, 256], kernel: [3, 3], pad: 'same' },
  { form: 'halves', image: [1, 36, 34, 256], kernel: [3, 3], pad: 'valid' },
  { form: 'halves', image: [1, 34, 33, 256], kernel: [3, 2], pad: EXPLICIT },
  { form: 'halves', image: [1, 34, 33, 256], kernel: [5, 5], pad: 'same' },
])('a convolution by $form, of $image, filter $kernel, padding $pad', ({ form, image, kernel, pad }) => {
  const filter = () => waves([...kernel, 256, 3], 1, 0.1) as tf.Tensor4D;
  /** oneDNN's own, which a batch of many images is left to. */
  const wanted = (x: tf.Tensor4D, w: tf.Tensor4D): tf.Tensor => {
    const many = tf.concat(Array.from({ length: 24 }, () => x));
    return tf.slice(tf.conv2d(many, w, 1, pad), [0, 0, 0, 0], [image[0], -1, -1, -1]);
  };

  it('is that of the direct form', () => {
    expect(formOf(info(image, [...kernel, 256, 3], pad))).toBe(form);
    expect(formOf(info([24 * image[0], ...image.slice(1)], [...kernel, 256, 3], pad))).toBe('direct');
    const [x, w] = [waves(image) as tf.Tensor4D, filter()];
    const y = tf.conv2d(x, w, 1, pad);
    expect(y.shape).toEqual(wanted(x, w).shape);
    expect(largestDifference(y, wanted(x, w))).toBeLessThan(1e-5);
  });

  it('is the same compiled, and has its gradients', () => {
    const [x, w] = [waves(image) as tf.Tensor4D, filter()];
    const f = (...[x, w]: tf.Tensor[]) => tf.sum(tf.square(tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, pad)));
    const compiled = compile((x: tf.Tensor4D, w: tf.Tensor4D) => [tf.conv2d(x, w, 1, pad), ...tf.grads(f)([x, w])]);
    const [y, ...gradients] = compiled(x, w);
    compiled.dispose();
    expect(largestDifference(y!, tf.conv2d(x, w, 1, pad))).toBeLessThan(1e-5);
    tf.grads(f)([x, w]).forEach((gradient, i) => {
      const scale = tf.max(tf.abs(gradient)).dataSync()[0]!;
      expect(largestDifference(gradients[i]!, gradient)).toBeLessThan(1e-5 * scale);
    });
  });
});
