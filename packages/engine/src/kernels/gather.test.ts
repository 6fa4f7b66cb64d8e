import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { testWithoutLeaks } from '../../test/support/leak-free.js';
import { thrownBy, valuesOf } from '../../test/support/start-engine.js';
import { compile, EngineError } from '../index.js';

testWithoutLeaks();

const table = () => tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
const at = (...indices: number[]) => tf.tensor1d(indices, 'int32');

it('takes slices along any axis, in any order, repeated', () => {
  expect(valuesOf(tf.gather(table(), at(2, 0, 2)))).toEqual([5, 6, 1, 2, 5, 6]);
  expect(valuesOf(tf.gather(table(), at(1), 1))).toEqual([2, 4, 6]);
  expect(valuesOf(tf.gather(table(), at(1, 0), -1))).toEqual([2, 1, 4, 3, 6, 5]);
});

it('takes indices of any shape, none too', () => {
  const y = tf.gather(table(), tf.tensor2d([0, 1, 2, 2], [2, 2], 'int32'));
  expect([y.shape, valuesOf(y)]).toEqual([
    [2, 2, 2],
    [1, 2, 3, 4, 5, 6, 5, 6],
  ]);
  expect(tf.gather(table(), at()).shape).toEqual([0, 2]);
});

it('pairs batches', () => {
  const y = tf.gather(table(), tf.tensor2d([1, 0, 1], [3, 1], 'int32'), 1, 1);
  expect([y.shape, valuesOf(y)]).toEqual([
    [3, 1],
    [2, 3, 6],
  ]);
});

it('keeps the type', () => {
  for (const dtype of ['int32', 'bool'] as const) {
    const y = tf.gather(tf.tensor1d([1, 0, 1], dtype), at(0, 1));
    expect([y.dtype, valuesOf(y)]).toEqual([dtype, [1, 0]]);
  }
});

it('refuses indices outside, when the values are read', () => {
  const error = thrownBy(() => tf.gather(table(), at(0, 3)).dataSync()) as EngineError;
  expect(error).toBeInstanceOf(EngineError);
  expect(error.message).toMatch(/indices\[1\] = 3 is not in \[0, 3\)/);
});

it('refuses shapes that do not fit before TensorFlow is asked', () => {
  expect(() => tf.gather(table(), at(0), 0, 2)).toThrow(/batchDims/i);
});

it('does not read the indices, so that it can be compiled', () => {
  const pick = compile((x: tf.Tensor, i: tf.Tensor) => tf.gather(x, i));
  expect(valuesOf(pick(table(), at(1)))).toEqual([3, 4]);
  expect(valuesOf(pick(table(), at(2)))).toEqual([5, 6]);
  expect(pick.traces).toBe(1);
});
