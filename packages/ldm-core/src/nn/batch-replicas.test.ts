import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { expectClose, useCpu } from '../../test/support.js';
import { together } from '../../test/together.js';
import { meanOverReplicas } from './batch-replicas.js';

beforeAll(useCpu);

it('without replicas a tensor is its own mean: no operation is added', () => {
  const x = tf.tensor1d([1, 2]);
  expect(meanOverReplicas(x, undefined)).toBe(x);
});

it('is the mean of what all have, and its gradient the mean of theirs', () => {
  const [x, slope] = [
    [1, 5],
    [10, 30],
  ];
  const results = together(2, (replicas, i) => {
    const loss = (x: tf.Tensor) => tf.mul(meanOverReplicas(x, replicas), slope[i]!);
    return tf.valueAndGrad(loss)(tf.scalar(x[i]!));
  });
  for (const [i, { value, grad }] of results.entries()) {
    expectClose(value, [3 * slope[i]!], 0);
    expectClose(grad, [20], 0);
  }
});
