import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, expectGradients, randn, useCpu } from '../../test/support.js';
import { BatchNorm2D } from './batch-norm.js';
import { initParams } from './init.js';
import { Params } from './params.js';
import { Scope } from './scope.js';

beforeAll(useCpu);

function layerOf(channels: number): { layer: BatchNorm2D; params: Params; scope: Scope } {
  const scope = Scope.root();
  const layer = new BatchNorm2D(scope.at('main.3'), channels);
  return { layer, params: initParams(scope.specs, 0), scope };
}

describe('BatchNorm2D', () => {
  it('declares two parameters and three buffers', () => {
    const { scope } = layerOf(4);
    expect([...scope.specs.values()].map(({ key, kind, dtype, shape }) => [key, kind, dtype, shape])).toEqual([
      ['main.3.weight', 'parameter', 'float32', [4]],
      ['main.3.bias', 'parameter', 'float32', [4]],
      ['main.3.running_mean', 'buffer', 'float32', [4]],
      ['main.3.running_var', 'buffer', 'float32', [4]],
      ['main.3.num_batches_tracked', 'buffer', 'int32', []],
    ]);
  });

  it('normalizes by the batch and follows it: biased variance inside, unbiased in the running one', () => {
    const { layer, params } = layerOf(1);
    params.set('main.3.weight', tf.tensor1d([2]));
    params.set('main.3.bias', tf.tensor1d([1]));
    // Mean 3; squared deviations 4 0 0 4: biased variance 2, unbiased 8/3.
    const { y, buffers } = layer.forwardTrain(params, tf.tensor4d([1, 3, 3, 5], [1, 2, 2, 1]));
    const std = Math.sqrt(2 + 1e-5);
    expectClose(y, [1 - 4 / std, 1, 1, 1 + 4 / std], 1e-6);
    expectClose(buffers.get('main.3.running_mean')!, [0.3], 1e-7);
    expectClose(buffers.get('main.3.running_var')!, [0.9 + 0.1 * (8 / 3)], 1e-6);
    expectClose(buffers.get('main.3.num_batches_tracked')!, [1], 0);
    expect(buffers.get('main.3.num_batches_tracked')!.dtype).toBe('int32');
    expect(params.get('main.3.running_mean')!.dataSync()[0]).toBe(0);
  });

  it('evaluates by the running statistics', () => {
    const { layer, params } = layerOf(2);
    params.set('main.3.running_mean', tf.tensor1d([1, -1]));
    params.set('main.3.running_var', tf.tensor1d([4, 0.25]));
    const y = layer.forward(params, tf.tensor4d([3, 0, 1, -1], [1, 1, 2, 2]));
    expectClose(y, [1, 2, 0, 0], 1e-4);
  });

  it('differentiates, in training through the statistics', () => {
    const { layer } = layerOf(3);
    for (const train of [true, false]) {
      const op = (x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor) => {
        const p = new Params([
          ['main.3.weight', scale],
          ['main.3.bias', offset],
          ['main.3.running_mean', tf.tensor1d([0.1, 0.2, 0.3])],
          ['main.3.running_var', tf.tensor1d([1, 2, 3])],
          ['main.3.num_batches_tracked', tf.scalar(0, 'int32')],
        ]);
        return train ? layer.forwardTrain(p, x as tf.Tensor4D).y : layer.forward(p, x as tf.Tensor4D);
      };
      expectGradients(op, [randn([2, 2, 2, 3], 1), randn([3], 2), randn([3], 3)]);
    }
  });

  it('refuses to train on one value a channel', () => {
    const { layer, params } = layerOf(2);
    expect(() => layer.forwardTrain(params, tf.ones([1, 1, 1, 2]))).toThrow('more than one value a channel');
  });
});
