import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, expectGradients, expectNoLeak, randn, useCpu } from '../../test/support.js';
import { geglu, gelu, leakyRelu, silu, softplus } from './activations.js';

beforeAll(useCpu);

describe('gelu', () => {
  it('is the exact form', () => {
    // x Phi(x) from tables of the normal distribution; the tanh approximation is off by 1.5e-4 at 1 and 3e-4 at 2.
    const x = tf.tensor1d([-3, -1, -0.5, 0, 0.5, 1, 2, 3]);
    const wanted = [
      -0.00404969409489031, -0.158655253931457, -0.154268769362834, 0, 0.345731230637166, 0.841344746068543,
      1.95449973610364, 2.99595030590511,
    ];
    expectClose(gelu(x), wanted, 5e-7);
  });

  it('differentiates', () => expectGradients(gelu, [randn([3, 4], 1)], 1e-3));

  it('stays finite far out', () => {
    expectClose(gelu(tf.tensor1d([-50, 50])), [0, 50], 0);
    expectClose(tf.grad((x) => tf.sum(gelu(x)))(tf.tensor1d([-50, 50])), [0, 1], 0);
  });
});

describe('geglu', () => {
  it('is the first half times gelu of the second', () => {
    const x = randn<tf.Rank.R3>([2, 3, 8], 1);
    const [value, gate] = tf.split(x, 2, -1) as [tf.Tensor3D, tf.Tensor3D];
    const y = geglu(x);
    expect(y.shape).toEqual([2, 3, 4]);
    expectClose(y, tf.mul(value, gelu(gate)), 1e-6);
  });

  it('differentiates', () => expectGradients(geglu, [randn([3, 6], 2)], 1e-3));

  it('refuses an odd width', () => {
    expect(() => geglu(randn([2, 3], 1))).toThrow('last axis must be even');
  });
});

describe('silu', () => {
  it('is x sigmoid(x)', () => {
    expectClose(silu(tf.tensor1d([-100, -1, 0, 2, 100])), [0, -0.268941421369995, 0, 1.76159415595576, 100], 1e-6);
  });

  it('differentiates', () => expectGradients(silu, [randn([3, 4], 1)], 1e-3));
});

describe('leakyRelu', () => {
  it('has slope 0.2 below zero', () => {
    expectClose(leakyRelu(tf.tensor1d([-2, 3])), [-0.4, 3], 1e-7);
    expectClose(tf.grad((x) => tf.sum(leakyRelu(x)))(tf.tensor1d([-2, 3])), [0.2, 1], 1e-7);
  });
});

describe('softplus', () => {
  it('neither overflows nor loses small values', () => {
    const wanted = [0, Math.exp(-30), Math.log(2), 1.31326168751822, 200];
    const y = softplus(tf.tensor1d([-200, -30, 0, 1, 200])).dataSync();
    wanted.forEach((w, i) => {
      expect(Math.abs(y[i]! - w)).toBeLessThanOrEqual(2e-7 * Math.max(w, 1e-20));
    });
  });

  it('has the sigmoid as its gradient, at zero too', () => {
    const x = tf.tensor1d([-2, 0, 3, 200, -200]);
    expectClose(tf.grad((x) => tf.sum(softplus(x)))(x), tf.sigmoid(x), 1e-6);
  });
});

it('leaks nothing', () => {
  const x = randn([4, 6], 1);
  for (const op of [gelu, geglu, silu, softplus, leakyRelu]) {
    expectNoLeak(() => tf.tidy(() => op(x)));
    expectNoLeak(() => tf.grad((x) => tf.sum(op(x)))(x));
  }
});
