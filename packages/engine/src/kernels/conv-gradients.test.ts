import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { largestDifference, runKernel, waves } from '../../test/support/kernel.js';
import { testWithoutLeaks } from '../../test/support/leak-free.js';

testWithoutLeaks();

type Explicit = tf.backend_util.ExplicitPadding;
const CASES: { pad: 'same' | 'valid' | Explicit; strides: [number, number]; kernel: [number, number] }[] = [
  { pad: 'same', strides: [1, 1], kernel: [3, 3] },
  { pad: 'same', strides: [2, 2], kernel: [3, 3] },
  { pad: 'valid', strides: [2, 1], kernel: [3, 2] },
  {
    pad: [
      [0, 0],
      [0, 1],
      [0, 1],
      [0, 0],
    ],
    strides: [2, 2],
    kernel: [3, 3],
  },
  {
    pad: [
      [0, 0],
      [2, 0],
      [1, 3],
      [0, 0],
    ],
    strides: [1, 2],
    kernel: [4, 3],
  },
];
const IMAGE: [number, number, number, number] = [2, 6, 5, 2];

describe.each(CASES)(
  'gradients of a convolution, padding $pad, strides $strides, kernel $kernel',
  ({ pad, strides, kernel }) => {
    const filter = () => waves([...kernel, 2, 3], 1) as tf.Tensor4D;
    const conv = (x: tf.Tensor, w: tf.Tensor) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, pad);
    /** A convolution is linear in either input, so a gradient's element is what a one in its place contributes. */
    const contributions = (shape: readonly number[], of: (one: tf.Tensor) => tf.Tensor, dy: tf.Tensor): number[] => {
      const size = tf.util.sizeFromShape([...shape]);
      return Array.from({ length: size }, (_, i) =>
        tf.tidy(() => {
          const values = new Float32Array(size);
          values[i] = 1;
          return tf.sum(tf.mul(of(tf.tensor(values, [...shape])), dy)).dataSync()[0]!;
        }),
      );
    };
    const attrs = { strides, pad: pad as 'same', dataFormat: 'NHWC', dimRoundingMode: 'floor' };

    it('by the image', () => {
      const w = filter();
      const dy = waves(conv(tf.zeros(IMAGE), w).shape, 2);
      const [dx] = runKernel(tf.Conv2DBackpropInput, { dy, filter: w }, { ...attrs, inputShape: IMAGE });
      expect(dx!.shape).toEqual(IMAGE);
      expect(
        largestDifference(
          dx!,
          contributions(IMAGE, (one) => conv(one, w), dy),
        ),
      ).toBeLessThan(1e-5);
    });

    it('by the filter', () => {
      const x = waves(IMAGE);
      const { shape } = filter();
      const dy = waves(conv(x, filter()).shape, 2);
      const [dw] = runKernel(tf.Conv2DBackpropFilter, { x, dy }, { ...attrs, filterShape: shape });
      expect(dw!.shape).toEqual(shape);
      expect(
        largestDifference(
          dw!,
          contributions(shape, (one) => conv(x, one), dy),
        ),
      ).toBeLessThan(1e-5);
    });
  },
);

it('says that explicit padding needs no padding by hand', () => {
  expect(tf.getKernel('ExplicitConvGradients', tf.getBackend())).toBeDefined();
  expect(runKernel('ExplicitConvGradients', {})).toEqual([]);
});
