import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { compile, profile, useEngine } from '../src/index.js';
import { largestDifference, runKernel, waves } from './support/kernel.js';

beforeAll(async () => {
  await useEngine({ device: 'cpu', threads: 2, branches: 2 });
});

/** Channels that make an image of 128 x 128 pixels worth dividing. */
const MANY = 256;

const convolved = (pad: 'same' | 'valid') => (x: tf.Tensor, w: tf.Tensor) =>
  tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, pad);
const normalized = (activation: 'silu' | 'none') => (x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor) =>
  runKernel('GroupNorm', { x, scale, offset }, { groups: 32, epsilon: 1e-6, activation })[0]!;
const enlarged = (x: tf.Tensor, filter: tf.Tensor) => runKernel('UpsampleConv2D', { x, filter })[0]!;

const filter = () => waves([3, 3, 4, MANY], 1);
const norm = () => [tf.add(waves([1, 128, 128, MANY], 0, 2), 3), tf.add(waves([MANY], 1), 1.5), waves([MANY], 2)];
const CASES: readonly [string, (...inputs: tf.Tensor[]) => tf.Tensor, () => tf.Tensor[], string][] = [
  ['a convolution', convolved('same') as never, () => [waves([1, 128, 128, 4]), filter()], 'Conv2D'],
  ['a convolution without a border', convolved('valid') as never, () => [waves([1, 130, 130, 4]), filter()], 'Conv2D'],
  ['an enlargement', enlarged as never, () => [waves([1, 64, 64, 4]), filter()], 'Conv2DBackpropInput'],
  ['a group norm', normalized('none') as never, norm, 'SquaredDifference|Square'],
  ['a group norm with its activation', normalized('silu') as never, norm, 'Swish|Sigmoid'],
];

describe.each(CASES)('%s of one large image in two branches', (_, fn, inputs, operation) => {
  const named = new RegExp(`^(_MklNative|_Mkl)?(${operation})$`);
  const count = (args: tf.Tensor[]) => profile(fn, args).filter(({ op }) => named.test(op)).length;

  it('is computed in two parts that run side by side', () => {
    expect(count(inputs())).toBe(2);
  });

  it('is what one part gives', async () => {
    const args = inputs();
    const compiled = compile(fn);
    const got = await compiled(...args);
    // At once nothing is divided.
    const wanted = fn(...args);
    expect(got.shape).toEqual(wanted.shape);
    expect(largestDifference(got, wanted)).toBeLessThan(2e-5);
    compiled.dispose();
  });
});

it('leaves small images and batches as they are', () => {
  const count = (shape: number[]) =>
    profile(convolved('same'), [waves(shape), waves([3, 3, shape[3]!, 8])]).filter(({ op }) => op.includes('Conv2D'))
      .length;
  expect(count([1, 64, 64, 16])).toBe(1);
  expect(count([2, 512, 512, 4])).toBe(1);
});
