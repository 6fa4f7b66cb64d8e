import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it, vi } from 'vitest';
import { testWithoutLeaks } from '../../test/support/leak-free.js';
import { valuesOf } from '../../test/support/start-engine.js';
import { currentEngine } from '../engine.js';

testWithoutLeaks();

/** Values of a result, and the TensorFlow operations that it took. */
function run(fn: () => tf.Tensor): { values: number[]; operations: string[] } {
  const spy = vi.spyOn(currentEngine().backend, 'executeSingleOutput');
  try {
    const values = valuesOf(fn());
    return { values, operations: spy.mock.calls.map(([name]) => name) };
  } finally {
    spy.mockRestore();
  }
}

describe('products of two matrices', () => {
  const a = () => tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
  const b = () => tf.tensor2d([1, 0, 2, 1, 0, 3], [3, 2]);

  it.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])('are MatMul, transposed %s and %s', (transposeA, transposeB) => {
    const left = transposeA ? tf.transpose(a()) : a();
    const right = transposeB ? tf.transpose(b()) : b();
    const { values, operations } = run(() => tf.matMul(left, right, transposeA, transposeB));
    expect(values).toEqual([5, 11, 14, 23]);
    expect(operations).toContain('MatMul');
  });

  it('of batches stay batched products', () => {
    const { values, operations } = run(() => tf.matMul(tf.stack([a(), tf.neg(a())]), tf.stack([b(), b()])));
    expect(values).toEqual([5, 11, 14, 23, -5, -11, -14, -23]);
    expect(operations).toContain('BatchMatMulV2');
  });

  it('without a common length are an error', () => {
    expect(() => tf.matMul(a(), tf.zeros([2, 2]))).toThrow(/MatMul .*inputs \[2,3\] \[2,2\]: .*incompatible/);
  });
});

describe('sums with a vector', () => {
  const bias = () => tf.tensor1d([10, 20]);

  it.each([[[3, 2]], [[1, 2, 2, 2]]])('along the last axis of %s are BiasAdd', (shape) => {
    const x = tf.reshape(tf.range(0, tf.util.sizeFromShape(shape)), shape);
    const { values, operations } = run(() => tf.add(x, bias()));
    expect(values).toEqual(Array.from({ length: values.length }, (_, i) => i + [10, 20][i % 2]!));
    expect(operations).toEqual(['BiasAdd']);
  });

  it.each([
    ['the vector first', () => tf.add(bias(), tf.zeros([3, 2])), [10, 20, 10, 20, 10, 20]],
    ['integers', () => tf.add(tf.zeros([1, 2], 'int32'), tf.tensor1d([1, 2], 'int32')), [1, 2]],
    ['three axes', () => tf.add(tf.zeros([1, 1, 2]), bias()), [10, 20]],
    ['a vector of one that is spread', () => tf.add(tf.zeros([1, 2]), tf.tensor1d([5])), [5, 5]],
    ['two vectors', () => tf.add(bias(), bias()), [20, 40]],
  ])('stay sums with %s', (_, fn, wanted) => {
    const { values, operations } = run(fn);
    expect(values).toEqual(wanted);
    expect(operations).not.toContain('BiasAdd');
  });

  it('have the gradients of sums', () => {
    const [dx, db] = tf.grads((x, b) => tf.sum(tf.mul(tf.add(x, b), tf.tensor2d([1, 2, 3, 4], [2, 2]))))([
      tf.zeros([2, 2]),
      bias(),
    ]);
    expect([valuesOf(dx!), valuesOf(db!)]).toEqual([
      [1, 2, 3, 4],
      [4, 6],
    ]);
  });
});
