import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { largestDifference, waves } from '../../test/support/kernel.js';
import { callKernel, startPlainEngine } from '../../test/support/plain-engine.js';
import { geglu, gelu } from './gelu.js';

beforeAll(async () => {
  await startPlainEngine();
});

/** x Phi(x) from tables of the normal distribution; the form with tanh is off by 1.5e-4 at 1. */
const X = [-3, -1, -0.5, 0, 0.5, 1, 2, 3];
const WANTED = [
  -0.00404969409489031, -0.158655253931457, -0.154268769362834, 0, 0.345731230637166, 0.841344746068543,
  1.95449973610364, 2.99595030590511,
];

describe('gelu', () => {
  it('is the exact form, in the shape of x', () => {
    const [y] = callKernel(gelu, { x: tf.tensor3d(X, [2, 1, 4]) });
    expect(y!.shape).toEqual([2, 1, 4]);
    expect(largestDifference(y!, WANTED)).toBeLessThan(1e-6);
  });

  it('is zero far below, and x far above', () => {
    const [y] = callKernel(gelu, { x: tf.tensor1d([-50, 50]) });
    expect(largestDifference(y!, [0, 50])).toBe(0);
  });
});

describe('geglu', () => {
  it('multiplies the first half by gelu of the second', () => {
    const values = X.map((_, i) => i - 2.5);
    const [y] = callKernel(geglu, { x: tf.tensor3d([...values, ...X], [1, 1, 16]) });
    expect(y!.shape).toEqual([1, 1, 8]);
    expect(
      largestDifference(
        y!,
        WANTED.map((gate, i) => gate * values[i]!),
      ),
    ).toBeLessThan(1e-5);
  });

  it('divides the last axis of any rank', () => {
    const x = waves([2, 3, 4, 6]);
    const [y] = callKernel(geglu, { x });
    expect(y!.shape).toEqual([2, 3, 4, 3]);
    const [value, gate] = tf.split(x, 2, 3) as [tf.Tensor, tf.Tensor];
    expect(largestDifference(y!, tf.mul(value, callKernel(gelu, { x: gate })[0]!))).toBeLessThan(1e-6);
  });
});

it('leaves nothing behind', () => {
  const x = waves([4, 6]);
  const before = tf.memory().numTensors;
  tf.dispose([callKernel(gelu, { x }), callKernel(geglu, { x })]);
  expect(tf.memory().numTensors).toBe(before);
});
