import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it } from 'vitest';
import { largestDifference, waves } from '../../test/support/kernel.js';
import { testWithoutLeaks } from '../../test/support/leak-free.js';
import { currentEngine, setEngine } from '../engine.js';
import { compile, inspect, shapeOnly } from '../index.js';
import { gainsByWinograd, isWinograd, type Pads, winograd, winogradFilterGradient } from './winograd.js';

testWithoutLeaks();

type Shape = [number, number, number, number];
const EDGE: Pads = { top: 1, bottom: 1, left: 1, right: 1 };
const image = (shape: Shape): tf.Tensor4D => waves(shape) as tf.Tensor4D;
const filterOf = (C: number, D: number): tf.Tensor4D => waves([3, 3, C, D], 1, 1 / Math.sqrt(C)) as tf.Tensor4D;
const explicit = ({ top, bottom, left, right }: Pads): tf.backend_util.ExplicitPadding => [
  [0, 0],
  [top, bottom],
  [left, right],
  [0, 0],
];

/** Largest difference of two results, as a part of the largest value. */
function relative(got: tf.Tensor, wanted: tf.Tensor): number {
  expect(got.shape).toEqual(wanted.shape);
  return largestDifference(got, wanted) / tf.max(tf.abs(wanted)).dataSync()[0]!;
}

/** What `compute` gives inside a function. */
function compiled(compute: (...tensors: tf.Tensor4D[]) => tf.Tensor, ...tensors: tf.Tensor4D[]): tf.Tensor {
  const run = compile(compute);
  const result = run(...tensors);
  result.dataSync();
  run.dispose();
  return result;
}

describe('winograd', () => {
  it.each<[Shape, number, Pads]>([
    [[1, 4, 4, 1], 1, EDGE],
    [[1, 8, 12, 5], 3, EDGE],
    [[3, 12, 8, 7], 4, EDGE],
    [[2, 6, 10, 3], 2, { top: 0, bottom: 0, left: 0, right: 0 }],
    [[1, 5, 7, 3], 2, { top: 0, bottom: 1, left: 1, right: 2 }],
    [[1, 2, 6, 3], 2, { top: 2, bottom: 2, left: 2, right: 2 }],
  ])('is the convolution of %j to %i channels with zeros %j', (shape, D, pads) => {
    const [x, w] = [image(shape), filterOf(shape[3], D)];
    expect(
      relative(
        compiled((x, w) => winograd(x!, w!, pads), x, w),
        tf.conv2d(x, w, 1, explicit(pads)),
      ),
    ).toBeLessThan(4e-6);
  });

  it.each<[string, Shape, number]>([
    ['an image', [1, 128, 64, 64], 2],
    ['images, some in each', [6, 64, 64, 32], 6 / 2],
    ['images, of parts each', [2, 128, 128, 64], 8],
    ['images that fit together', [3, 32, 32, 64], 1],
  ])('is that of %s, in parts', (_, shape, parts) => {
    const [x, w] = [image(shape), filterOf(shape[3], 64)];
    const calls = inspect((x: tf.Tensor4D, w: tf.Tensor4D) => winograd(x, w, EDGE), [x, w]).graph.nodes.filter(
      ({ op }) => op === 'BatchMatMulV2',
    );
    expect(calls.length).toBe(parts);
    expect(
      relative(
        compiled((x, w) => winograd(x!, w!, EDGE), x, w),
        tf.conv2d(x, w, 1, 'same'),
      ),
    ).toBeLessThan(4e-6);
  });

  it.each<[Shape, number]>([
    [[1, 2, 4, 3], 2],
    [[2, 6, 4, 3], 5],
    [[1, 64, 32, 64], 64],
    [[1, 128, 32, 64], 64],
  ])('of a doubled image is what enlarges %j and convolves it to %i channels', (shape, D) => {
    const [x, w] = [image(shape), filterOf(shape[3], D)];
    const large = tf.image.resizeNearestNeighbor(x, [2 * shape[1], 2 * shape[2]]);
    const got = compiled((x, w) => winograd(x!, w!, EDGE, { doubled: true }), x, w);
    expect(relative(got, tf.conv2d(large, w, 1, 'same'))).toBeLessThan(4e-6);
  });

  it.each<[Shape, number]>([
    [[1, 8, 4, 3], 2],
    [[2, 4, 8, 2], 5],
  ])('with a turned filter is the gradient by the image %j of %i channels', (shape, D) => {
    const [x, w, dy] = [image(shape), filterOf(shape[3], D), image([shape[0], shape[1], shape[2], D])];
    const wanted = tf.grad((x: tf.Tensor) => tf.conv2d(x as tf.Tensor4D, w, 1, 'same'))(x, dy);
    expect(
      relative(
        compiled((dy, w) => winograd(dy!, w!, EDGE, { turned: true }), dy, w),
        wanted,
      ),
    ).toBeLessThan(4e-6);
  });
});

describe('winogradFilterGradient', () => {
  it.each<[Shape, number, Pads]>([
    [[1, 4, 4, 1], 1, EDGE],
    [[1, 8, 12, 5], 3, EDGE],
    [[3, 12, 8, 7], 4, EDGE],
    [[1, 5, 7, 3], 2, { top: 0, bottom: 1, left: 1, right: 2 }],
    [[1, 128, 64, 64], 64, EDGE],
    [[4, 64, 64, 32], 64, EDGE],
  ])('is the gradient by the filter of the image %j to %i channels with zeros %j', (shape, D, pads) => {
    const [x, w] = [image(shape), filterOf(shape[3], D)];
    const by = (w: tf.Tensor) => tf.conv2d(x, w as tf.Tensor4D, 1, explicit(pads));
    const dy = image(by(w).shape as Shape);
    expect(
      relative(
        compiled((x, dy) => winogradFilterGradient(x!, dy!, pads), x, dy),
        tf.grad(by)(w, dy),
      ),
    ).toBeLessThan(4e-6);
  });

  it.each<[Shape, number]>([
    [[1, 2, 4, 3], 2],
    [[2, 6, 4, 3], 5],
    [[1, 128, 32, 64], 64],
  ])('of a doubled image %j to %i channels, with the gradient by the image', (shape, D) => {
    const [x, w, dy] = [image(shape), filterOf(shape[3], D), image([shape[0], 2 * shape[1], 2 * shape[2], D])];
    const enlarge = (x: tf.Tensor) =>
      tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [2 * shape[1], 2 * shape[2]]) as tf.Tensor4D;
    const [dx, dw] = tf.grads((x, w) => tf.conv2d(enlarge(x!), w as tf.Tensor4D, 1, 'same'))([x, w], dy);
    const byImage = compiled((dy, w) => winograd(dy!, w!, EDGE, { turned: true, summed: true }), dy, w);
    const byFilter = compiled((x, dy) => winogradFilterGradient(x!, dy!, EDGE, true), x, dy);
    expect(relative(byImage, dx!)).toBeLessThan(4e-6);
    expect(relative(byFilter, dw!)).toBeLessThan(4e-6);
  });
});

describe('the gradient by a filter', () => {
  it('transforms nothing of the image before dy is there', () => {
    const fn = (x: tf.Tensor4D, w: tf.Tensor4D): tf.Tensor => {
      const y = tf.conv2d(x, w, 1, 'same');
      return winogradFilterGradient(x, tf.exp(y) as tf.Tensor4D, EDGE);
    };
    const { nodes } = inspect(fn, [image([1, 32, 32, 96]), filterOf(96, 96)]).graph;
    const dy = nodes.findIndex(({ op }) => op === 'Exp');
    const later = nodes.slice(dy + 1).filter(({ op }) => op === 'PartitionedCall');
    expect(later.length).toBe(3);
    for (const call of later.slice(0, 2)) expect(call.after).toContain(dy);
  });
});

describe('convolutions of many pixels and channels', () => {
  const [x, w] = [() => image([1, 32, 32, 96]), () => filterOf(96, 96)];
  const opsOf = (fn: (x: tf.Tensor4D, w: tf.Tensor4D) => tf.Tensor | tf.Tensor[], precision: 'float32' | 'bfloat16') =>
    new Set(
      inspect(fn, [shapeOnly([1, 32, 32, 96]) as tf.Tensor4D, shapeOnly([3, 3, 96, 96]) as tf.Tensor4D], {
        precision,
      }).graph.nodes.map(({ op }) => op),
    );
  const conv = (x: tf.Tensor4D, w: tf.Tensor4D): tf.Tensor4D => tf.conv2d(x, w, 1, 'same');
  const before = currentEngine;
  afterEach(() => setEngine({ ...before(), winograd: true }));

  it('go that way in float32, with their gradients, and agree with those that do not', () => {
    const loss = (x: tf.Tensor, w: tf.Tensor) => tf.sum(tf.square(conv(x as tf.Tensor4D, w as tf.Tensor4D)));
    const both = (x: tf.Tensor4D, w: tf.Tensor4D) => [conv(x, w), ...tf.grads(loss)([x, w])];
    expect(opsOf(both, 'float32')).not.toContain('Conv2D');
    expect(opsOf(both, 'float32')).not.toContain('Conv2DBackpropInput');
    expect(opsOf(both, 'float32')).not.toContain('Conv2DBackpropFilter');
    const run = compile(both);
    const got = run(x(), w());
    both(x(), w()).forEach((wanted, i) => {
      expect(relative(got[i]!, wanted)).toBeLessThan(1e-5);
    });
    run.dispose();
  });

  it('do not in bfloat16, nor where the engine is told not to, nor at once', () => {
    expect(opsOf(conv, 'bfloat16')).toContain('Conv2D');
    expect(gainsByWinograd([1, 64, 64, 192], 192)).toBe(false);
    setEngine({ ...currentEngine(), winograd: false });
    expect(opsOf(conv, 'float32')).toContain('Conv2D');
  });

  it('give the same bits at each call, gradients too', () => {
    const grads = tf.grads((x, w) => tf.square(conv(x as tf.Tensor4D, w as tf.Tensor4D)));
    const run = compile((x: tf.Tensor4D, w: tf.Tensor4D) => [conv(x, w), ...grads([x, w])]);
    const [first, second] = [run(x(), w()), run(x(), w())];
    first.forEach((result, i) => {
      expect(largestDifference(result, second[i]!)).toBe(0);
    });
    run.dispose();
  });

  it('have gradients where no zeros are around the image', () => {
    const valid = (x: tf.Tensor, w: tf.Tensor) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'valid');
    const both = (x: tf.Tensor4D, w: tf.Tensor4D) => tf.grads((x, w) => tf.square(valid(x!, w!)))([x, w]);
    const [large, small] = [image([1, 36, 36, 96]), w()];
    const run = compile(both);
    const got = run(large, small);
    both(large, small).forEach((wanted, i) => {
      expect(relative(got[i]!, wanted)).toBeLessThan(1e-5);
    });
    run.dispose();
  });
});

describe('isWinograd', () => {
  const info = (filter: [number, number], stride: number, pad: 'same' | number) =>
    tf.backend_util.computeConv2DInfo([1, 32, 32, 8], [...filter, 8, 8], stride, 1, pad);
  it.each([
    [true, [3, 3], 1, 'same'],
    [true, [3, 3], 1, 2],
    [false, [3, 3], 1, 3],
    [false, [3, 3], 2, 'same'],
    [false, [3, 1], 1, 'same'],
    [false, [5, 5], 1, 'same'],
    [false, [1, 1], 1, 'same'],
  ] as const)('is %s for a filter %j with steps of %i and padding %s', (wanted, filter, stride, pad) => {
    expect(isWinograd(info([...filter], stride, pad))).toBe(wanted);
  });
});
