import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, expectGradients, expectNoLeak, randn, useCpu } from '../../test/support.js';
import { avgPool2x, upsampleNearest2x } from './upsample.js';

beforeAll(useCpu);

describe('upsampleNearest2x', () => {
  it('makes each pixel a square', () => {
    const y = upsampleNearest2x(tf.tensor4d([1, 2, 3, 4, 5, 6], [1, 1, 3, 2]));
    expect(y.shape).toEqual([1, 2, 6, 2]);
    const row = [1, 2, 1, 2, 3, 4, 3, 4, 5, 6, 5, 6];
    expect([...y.dataSync()]).toEqual([...row, ...row]);
  });

  it('differentiates', () => {
    expectGradients((x) => upsampleNearest2x(x as tf.Tensor4D), [randn([2, 3, 2, 2], 1)]);
  });

  it('leaks nothing', () => {
    const x = randn<tf.Rank.R4>([1, 2, 2, 1], 1);
    expectNoLeak(() => tf.grad((a) => tf.sum(upsampleNearest2x(a as tf.Tensor4D)))(x));
  });
});

describe('avgPool2x', () => {
  it('averages squares and drops a last odd row', () => {
    const x = tf.tensor4d([1, 2, 3, 4, 5, 6, 100, 100], [1, 4, 2, 1]);
    expectClose(avgPool2x(x), [2.5, 52.75], 1e-5);
    expect(avgPool2x(randn([1, 5, 4, 2], 1)).shape).toEqual([1, 2, 2, 2]);
  });

  it('undoes upsampling and differentiates', () => {
    const x = randn<tf.Rank.R4>([1, 2, 3, 2], 1);
    expectClose(avgPool2x(upsampleNearest2x(x)), x, 1e-6);
    expectGradients((a) => avgPool2x(a as tf.Tensor4D), [randn([1, 4, 2, 2], 1)]);
  });
});
