import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { expectClose, useCpu } from '../../test/support.js';
import { Params } from '../nn/params.js';
import { clipByGlobalNorm, globalNorm } from './clip.js';

beforeAll(useCpu);

// Squares 4 + 9 + 36 = 49: norm 7.
const grads = () =>
  new Params([
    ['a', tf.tensor1d([2, -3])],
    ['b', tf.tensor2d([[0], [6]])],
  ]);

describe('globalNorm', () => {
  it('is that of all tensors as one vector', () => {
    expectClose(globalNorm(grads()), [7], 1e-6);
    expect(globalNorm(grads()).shape).toEqual([]);
    expectClose(globalNorm(new Params()), [0], 0);
    expectClose(globalNorm(new Params([['a', tf.scalar(-2)]])), [2], 0);
  });
});

describe('clipByGlobalNorm', () => {
  it('scales to the largest norm allowed', () => {
    const clipped = clipByGlobalNorm(grads(), 3.5);
    const factor = 3.5 / (7 + 1e-6);
    expectClose(clipped.norm, [7], 1e-6);
    expectClose(clipped.grads.get('a')!, [2 * factor, -3 * factor], 1e-6);
    expectClose(clipped.grads.get('b')!, [0, 6 * factor], 1e-6);
    expect(clipped.grads.get('b')!.shape).toEqual([2, 1]);
  });

  it('leaves small gradients as they are, to the bit', () => {
    const clipped = clipByGlobalNorm(grads(), 100);
    expectClose(clipped.grads.get('a')!, [2, -3], 0);
    expectClose(clipByGlobalNorm(new Params([['a', tf.zeros([2])]]), 1).grads.get('a')!, [0, 0], 0);
  });

  it('lets a norm that is not finite be seen', () => {
    const { norm } = clipByGlobalNorm(new Params([['a', tf.tensor1d([1, Number.NaN])]]), 1);
    expect(norm.dataSync()[0]).toBeNaN();
  });

  it('leaves only its results', () => {
    const all = grads();
    const before = tf.memory().numTensors;
    const { grads: clipped, norm } = clipByGlobalNorm(all, 1);
    expect(tf.memory().numTensors).toBe(before + 3);
    clipped.dispose();
    norm.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses a limit of 0', () => {
    expect(() => clipByGlobalNorm(grads(), 0)).toThrow('maxNorm is 0');
    expect(() => clipByGlobalNorm(grads(), Number.NaN)).toThrow('maxNorm is NaN');
  });
});

describe('on a backend with GlobalNorm', () => {
  afterEach(() => tf.unregisterKernel('GlobalNorm', 'cpu'));

  it('hands it all tensors as x0, x1, ...', () => {
    let names: string[] = [];
    tf.registerKernel({
      kernelName: 'GlobalNorm',
      backendName: 'cpu',
      kernelFunc: ({ inputs }) => {
        names = Object.keys(inputs);
        return [tf.scalar(5)];
      },
    });
    expectClose(globalNorm(grads()), [5], 0);
    expect(names).toEqual(['x0', 'x1']);
  });
});
