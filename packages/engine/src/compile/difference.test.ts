import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeLeaves, firstDifference } from './difference.js';

beforeAll(async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
});

const difference = (before: unknown, after: unknown) =>
  firstDifference(describeLeaves(before, 'args'), describeLeaves(after, 'args'));

describe('firstDifference', () => {
  it('names the leaf, and what it was and is', () => {
    const x = tf.zeros([2, 3]);
    expect(difference([x, { lr: 1 }], [x, { lr: 2 }])).toEqual(['args[1].lr', '1', '2']);
    expect(difference([x], [tf.zeros([2, 4])])).toEqual(['args[0]', 'float32 [2,3]', 'float32 [2,4]']);
    expect(difference([new Map([['w', 1]])], [new Map([['w', 3]])])).toEqual(['args[0].get("w")', '1', '3']);
    expect(difference([1], [1, 2])).toEqual(['args[1]', 'absent', '2']);
    expect(difference([1, 2], [1])).toEqual(['args[1]', '2', 'absent']);
  });

  it('is null for equal descriptions', () => {
    expect(difference([tf.zeros([2]), 'a'], [tf.ones([2]), 'a'])).toBeNull();
  });
});
