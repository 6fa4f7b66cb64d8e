import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it, vi } from 'vitest';
import { largestDifference, runKernel, waves } from '../../test/support/kernel.js';
import { testWithoutLeaks } from '../../test/support/leak-free.js';
import { currentEngine } from '../engine.js';

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

describe.each([
  { image: [1, 4, 5, 256], strides: 1, pad: 'same', product: true },
  { image: [2, 8, 8, 384], strides: 1, pad: 'valid', product: true },
  { image: [1, 8, 8, 256], strides: 2, pad: 'same', product: false },
  { image: [1, 17, 17, 256], strides: 1, pad: 'same', product: false },
])('the gradient by a filter on $image, strides $strides, padding $pad', ({ image, strides, pad, product }) => {
  const shapes = [3, 3, image[3]!, 8];
  const attrs = { strides, pad, dataFormat: 'NHWC', dimRoundingMode: 'floor' };
  const inputs = (): { x: tf.Tensor4D; dy: tf.Tensor } => {
    const x = waves(image) as tf.Tensor4D;
    const y = tf.conv2d(x, waves(shapes, 1) as tf.Tensor4D, strides, pad as 'same');
    return { x, dy: waves(y.shape, 2) };
  };

  it('is that of its channels by themselves', () => {
    const { x, dy } = inputs();
    const [dw] = runKernel(tf.Conv2DBackpropFilter, { x, dy }, { ...attrs, filterShape: shapes });
    const parts = tf.split(x, image[3]! / 128, 3).map((part) => {
      const filterShape = [3, 3, 128, 8];
      return runKernel(tf.Conv2DBackpropFilter, { x: part, dy }, { ...attrs, filterShape })[0]!;
    });
    expect(dw!.shape).toEqual(shapes);
    expect(largestDifference(dw!, tf.concat(parts, 2))).toBeLessThan(2e-5);
  });

  it(`is ${product ? 'one product' : 'no product'}`, async () => {
    const { x, dy } = inputs();
    const spy = vi.spyOn(currentEngine().backend, 'executeSingleOutput');
    runKernel(tf.Conv2DBackpropFilter, { x, dy }, { ...attrs, filterShape: shapes });
    const names = spy.mock.calls.map(([name]) => name);
    spy.mockRestore();
    expect(names.includes('MatMul')).toBe(product);
    expect(names.includes('Conv2DBackpropFilter')).toBe(!product);
  });
});

describe.each([
  { image: [1, 4, 5, 1536], strides: 1, pad: 'same', D: 256, product: true },
  { image: [2, 8, 8, 1600], strides: 1, pad: 'valid', D: 264, product: true },
  { image: [1, 4, 5, 1536], strides: 1, pad: 'same', D: 8, product: false },
  { image: [1, 4, 4, 1504], strides: 1, pad: 'same', D: 256, product: false },
  { image: [1, 8, 8, 1536], strides: 2, pad: 'same', D: 256, product: false },
  { image: [1, 24, 24, 1536], strides: 1, pad: 'same', D: 256, product: false },
])(
  'the gradient by an image $image of $D channels, strides $strides, padding $pad',
  ({ image, strides, pad, D, product }) => {
    const C = image[3]!;
    const attrs = { strides, pad, dataFormat: 'NHWC', dimRoundingMode: 'floor' };
    const inputs = () => {
      const filter = waves([3, 3, C, D], 1) as tf.Tensor4D;
      const y = tf.conv2d(waves(image) as tf.Tensor4D, filter, strides, pad as 'same');
      return { filter, dy: waves(y.shape, 2) };
    };

    it('is that of its channels by themselves', () => {
      const { filter, dy } = inputs();
      const [dx] = runKernel(tf.Conv2DBackpropInput, { dy, filter }, { ...attrs, inputShape: image });
      const halves = tf.split(filter, 2, 2).map((half) => {
        const inputShape = [...image.slice(0, 3), C / 2];
        return runKernel(tf.Conv2DBackpropInput, { dy, filter: half }, { ...attrs, inputShape })[0]!;
      });
      expect(dx!.shape).toEqual(image);
      const largest = tf.max(tf.abs(dx!)).dataSync()[0]!;
      expect(largestDifference(dx!, tf.concat(halves, 3)) / largest).toBeLessThan(5e-6);
    });

    it(`is ${product ? 'one product' : 'no product'}`, () => {
      const { filter, dy } = inputs();
      const spy = vi.spyOn(currentEngine().backend, 'executeSingleOutput');
      runKernel(tf.Conv2DBackpropInput, { dy, filter }, { ...attrs, inputShape: image });
      const names = spy.mock.calls.map(([name]) => name);
      spy.mockRestore();
      expect(names.includes('MatMul')).toBe(product);
      expect(names.includes('Conv2DBackpropInput')).toBe(!product);
    });
  },
);

it('says that explicit padding needs no padding by hand', () => {
  expect(tf.getKernel('ExplicitConvGradients', tf.getBackend())).toBeDefined();
  expect(runKernel('ExplicitConvGradients', {})).toEqual([]);
});
