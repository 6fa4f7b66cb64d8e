import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, expectNoLeak, useCpu } from '../../test/support.js';
import { dropout } from './dropout.js';
import { Rng } from './random.js';

beforeAll(useCpu);

describe('dropout', () => {
  it('does nothing without an rng or at rate 0', () => {
    const x = tf.ones([3]);
    expect(dropout(x, 0.5)).toBe(x);
    expect(dropout(x, 0, Rng.of(0))).toBe(x);
  });

  it('zeroes the given share and scales the rest', () => {
    const y = dropout(tf.ones([20_000]), 0.2, Rng.of(1)).dataSync();
    const dropped = y.filter((value) => value === 0).length / y.length;
    expect(Math.abs(dropped - 0.2)).toBeLessThan(5 * Math.sqrt((0.2 * 0.8) / y.length));
    expectClose(y.filter((value) => value !== 0).slice(0, 10), new Array(10).fill(1.25), 1e-6);
  });

  it('drops the same values in the gradient', () => {
    const [x, rng] = [tf.ones([50]), Rng.of(2)];
    expectClose(tf.grad((a) => tf.sum(dropout(a, 0.5, rng)))(x), dropout(x, 0.5, rng), 0);
  });

  it('drops everything at rate 1', () => {
    expectClose(dropout(tf.ones([4]), 1, Rng.of(0)), [0, 0, 0, 0], 0);
  });

  it('refuses a rate outside 0 .. 1', () => {
    expect(() => dropout(tf.ones([1]), 1.5)).toThrow('rate is 1.5');
    expect(() => dropout(tf.ones([1]), Number.NaN)).toThrow('rate is NaN');
  });

  it('leaks nothing', () => {
    const x = tf.ones([4]);
    expectNoLeak(() => dropout(x, 0.5, Rng.of(0)));
  });
});
