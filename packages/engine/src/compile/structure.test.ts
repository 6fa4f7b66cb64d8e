import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, it } from 'vitest';
import { sameSignature, takeApart } from './structure.js';

beforeAll(async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
});

const same = (a: unknown, b: unknown): boolean =>
  sameSignature(takeApart(a, 'a').signature, takeApart(b, 'b').signature);

describe('takeApart', () => {
  it('finds the tensors in order, and puts others in their places', () => {
    const [a, b, c] = [tf.scalar(1), tf.scalar(2), tf.scalar(3)] as const;
    const value = { z: [a, 'text'], m: new Map<string, unknown>([['k', { deep: b }]]), c, n: 4 };
    const structure = takeApart(value, 'args[0]');
    expect(structure.tensors).toEqual([a, b, c]);
    const [x, y, z] = [tf.scalar(4), tf.scalar(5), tf.scalar(6)] as const;
    const rebuilt = structure.rebuild([x, y, z]);
    expect(rebuilt).toEqual({ z: [x, 'text'], m: new Map([['k', { deep: y }]]), c: z, n: 4 });
    expect(structure.rebuild([a, b, c])).toEqual(value);
  });

  it('keeps plain values as they are', () => {
    const fn = () => 0;
    const date = new Date();
    for (const value of [null, undefined, 0, NaN, 'x', true, fn, date, 5n])
      expect(takeApart(value, 'x').rebuild([])).toBe(value);
  });

  it('refuses objects that hide tensors', () => {
    class Layer {
      weight = tf.scalar(1);
    }
    expect(() => takeApart([new Layer()], 'args[1]')).toThrow(/args\[1\]\[0\] is an object of class Layer .*'weight'/);
  });
});

describe('sameSignature', () => {
  it('compares shapes, types, keys and plain values, not what tensors hold', () => {
    expect(same(tf.tensor([1, 2]), tf.tensor([3, 4]))).toBe(true);
    expect(same([tf.scalar(1), NaN], [tf.scalar(2), NaN])).toBe(true);
    expect(same(tf.tensor([1, 2]), tf.tensor([1, 2, 3]))).toBe(false);
    expect(same(tf.tensor([[1, 2]]), tf.tensor([[1], [2]]))).toBe(false);
    expect(same(tf.scalar(1), tf.scalar(1, 'int32'))).toBe(false);
    expect(same({ a: 1 }, { b: 1 })).toBe(false);
    expect(same(0, -0)).toBe(false);
    expect(same(1, '1')).toBe(false);
    expect(same({ a: 1, b: 2 }, { b: 2, a: 1 })).toBe(false);
  });

  it('tells kinds of nesting apart', () => {
    const kinds: unknown[] = [[], {}, new Map(), undefined, null, 'array', ['array'], [[]], [{}], { 0: 1 }, [1]];
    kinds.forEach((a, i) => {
      kinds.forEach((b, j) => {
        expect(same(a, b)).toBe(i === j);
      });
    });
  });

  it('is not confused by plain values that spell a nesting', () => {
    expect(same([[]], ['array', 0])).toBe(false);
    const scalar = tf.scalar(1);
    expect(same([scalar], ['tensor', 'float32', 0])).toBe(false);
  });
});
