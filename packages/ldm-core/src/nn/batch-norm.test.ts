import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, expectGradients, randn, useCpu } from '../../test/support.js';
import { partsOf, together } from '../../test/together.js';
import { BatchNorm2D } from './batch-norm.js';
import type { BatchReplicas } from './batch-replicas.js';
import { initParams } from './init.js';
import { Params } from './params.js';
import { Scope } from './scope.js';
import { valueAndGrads } from './value-and-grads.js';

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

  it('shared by replicas, normalizes by the whole batch, follows it, and has its gradients', () => {
    const { layer, params } = layerOf(3);
    const x = tf.add<tf.Tensor4D>(tf.mul(randn([4, 2, 2, 3], 1), 3), 5);
    const weights = randn<tf.Rank.R4>([4, 2, 2, 3], 2);
    const run = (x: tf.Tensor4D, weights: tf.Tensor4D, replicas?: BatchReplicas) =>
      valueAndGrads(
        (p) => {
          const { y, buffers } = layer.forwardTrain(params.merge(p), p.get('x') as tf.Tensor4D, replicas);
          return { loss: tf.mean(tf.mul(tf.square(y), weights)) as tf.Scalar, y, buffers };
        },
        params.filter((key) => /weight|bias/.test(key)).merge(new Map([['x', x]])),
      );
    const whole = run(x, weights);
    const [xs, ws] = [partsOf(x, 2), partsOf(weights, 2)];
    const parts = together(2, (replicas, i) => run(xs[i]!, ws[i]!, replicas));
    expectClose(tf.concat(parts.map(({ value }) => value.y)), whole.value.y, 1e-5);
    for (const { value } of parts)
      for (const [key, buffer] of whole.value.buffers) expectClose(value.buffers.get(key)!, buffer, 1e-5);
    const gradients = (key: string) => parts.map(({ grads }) => grads.get(key)!);
    for (const key of ['main.3.weight', 'main.3.bias'])
      expectClose(tf.div(tf.addN(gradients(key)), 2), whole.grads.get(key)!, 1e-5);
    // Each differentiates the sum of both losses, which is twice the whole batch's.
    expectClose(tf.div(tf.concat(gradients('x')), 2), whole.grads.get('x')!, 1e-5);
  });

  it('trains on one value a channel if other replicas have more', () => {
    const { layer, params } = layerOf(1);
    const parts = together(2, (replicas, i) => layer.forwardTrain(params, tf.fill([1, 1, 1, 1], 2 * i), replicas));
    expectClose(tf.concat(parts.map(({ y }) => tf.reshape(y, [1]))), [-1, 1], 1e-4);
    expectClose(parts[0]!.buffers.get('main.3.running_var')!, [0.9 + 0.1 * 2], 1e-6);
  });

  it('refuses to train on one value a channel', () => {
    const { layer, params } = layerOf(2);
    expect(() => layer.forwardTrain(params, tf.ones([1, 1, 1, 2]))).toThrow('more than one value a channel');
  });
});
