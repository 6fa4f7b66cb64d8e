import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, expectGradients, expectNoLeak, randn, useCpu } from '../../test/support.js';
import { conv2d } from './conv2d.js';
import { upsampleNearest2x } from './upsample.js';
import { upsampleConv2d } from './upsample-conv2d.js';

beforeAll(useCpu);

describe('upsampleConv2d', () => {
  const inputs = () => [randn<tf.Rank.R4>([2, 3, 2, 2], 1), randn<tf.Rank.R4>([3, 3, 2, 4], 2)] as const;

  it('is a convolution of the enlarged image', () => {
    const [x, w] = inputs();
    const y = upsampleConv2d(x, w);
    expect(y.shape).toEqual([2, 6, 4, 4]);
    expectClose(y, conv2d(upsampleNearest2x(x), w, { pad: 1 }), 1e-6);
  });

  it('differentiates', () => {
    expectGradients((x, w) => upsampleConv2d(x as tf.Tensor4D, w as tf.Tensor4D), [...inputs()]);
  });

  it('leaks nothing', () => {
    const [x, w] = inputs();
    expectNoLeak(() => tf.grads((a, b) => tf.sum(upsampleConv2d(a as tf.Tensor4D, b as tf.Tensor4D)))([x, w]));
  });
});
