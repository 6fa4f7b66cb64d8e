import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { testWithoutLeaks } from '../../test/support/leak-free.js';
import { valuesOf } from '../../test/support/start-engine.js';
import { compile } from '../index.js';

testWithoutLeaks();

const x = (dtype: 'float32' | 'int32') => tf.tensor2d([1, 2, 3, 4, 5, 7], [2, 3], dtype);

it.each(['float32', 'int32'] as const)('of %s is float32, over all axes, some, and kept ones', (dtype) => {
  const means = [tf.mean(x(dtype)), tf.mean(x(dtype), 0), tf.mean(x(dtype), -1, true), tf.mean(x(dtype), [0, 1])];
  expect(means.map(({ dtype }) => dtype)).toEqual(Array(4).fill('float32'));
  expect(means.map(({ shape }) => shape)).toEqual([[], [3], [2, 1], []]);
  expect(means.flatMap(valuesOf)).toEqual([22 / 6, 2.5, 3.5, 5, 2, 16 / 3, 22 / 6].map(Math.fround));
});

it('of booleans is the share of those that hold', () => {
  expect(valuesOf(tf.mean(tf.tensor1d([1, 0, 1, 1], 'bool')))).toEqual([0.75]);
});

it('of nothing is not a number, as in tfjs', () => {
  expect(valuesOf(tf.mean(tf.zeros([0])))).toEqual([NaN]);
});

it('of integers compiles, too', () => {
  const mean = compile((x: tf.Tensor) => tf.mean(x, 1));
  expect(valuesOf(mean(x('int32')))).toEqual([2, Math.fround(16 / 3)]);
});
