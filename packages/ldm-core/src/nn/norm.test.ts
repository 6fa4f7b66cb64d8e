import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, expectGradients, expectNoLeak, randn, useCpu } from '../../test/support.js';
import { silu } from './activations.js';
import { initParams } from './init.js';
import { GroupNorm, groupNorm, LayerNorm, layerNorm } from './norm.js';
import { Params } from './params.js';
import { Scope } from './scope.js';

beforeAll(useCpu);

describe('groupNorm', () => {
  it('normalizes a hand-computed example', () => {
    // Two groups of two channels over two positions: group 0 holds 1 2 3 6 (mean 3, variance 3.5), group 1 holds zeros.
    const x = tf.tensor3d([1, 2, 0, 0, 3, 6, 0, 0], [1, 2, 4]);
    const y = groupNorm(x, tf.tensor1d([1, 2, 1, 1]), tf.tensor1d([0, 1, 5, 0]), { groups: 2, epsilon: 0.5 });
    // sqrt(3.5 + 0.5) = 2
    expectClose(y, [-1, 0, 5, 0, 0, 4, 5, 0], 1e-6);
  });

  it('agrees with a double-precision loop, with one channel a group too', () => {
    for (const groups of [1, 2, 8]) {
      const [b, n, c, epsilon] = [2, 6, 8, 1e-5];
      const x = randn([b, 2, 3, c], 1);
      const scale = randn<tf.Rank.R1>([c], 2);
      const offset = randn<tf.Rank.R1>([c], 3);
      const [xs, ss, os] = [x.dataSync(), scale.dataSync(), offset.dataSync()];
      const wanted = new Float64Array(xs.length);
      const width = c / groups;
      for (let i = 0; i < b; i++) {
        for (let g = 0; g < groups; g++) {
          const at: number[] = [];
          for (let k = 0; k < n; k++) for (let j = 0; j < width; j++) at.push((i * n + k) * c + g * width + j);
          const mean = at.reduce((sum, a) => sum + xs[a]!, 0) / at.length;
          const variance = at.reduce((sum, a) => sum + (xs[a]! - mean) ** 2, 0) / at.length;
          for (const a of at) wanted[a] = ((xs[a]! - mean) / Math.sqrt(variance + epsilon)) * ss[a % c]! + os[a % c]!;
        }
      }
      expectClose(groupNorm(x, scale, offset, { groups, epsilon }), wanted, 2e-6);
      const activated = wanted.map((z) => z / (1 + Math.exp(-z)));
      expectClose(groupNorm(x, scale, offset, { groups, epsilon, activation: 'silu' }), activated, 2e-6);
    }
  });

  it('keeps its precision where the mean is large', () => {
    const x = tf.add(randn([1, 64, 4], 5), 1000);
    const y = groupNorm(x, tf.ones([4]), tf.zeros([4]), { groups: 2 });
    const { mean, variance } = tf.moments(y);
    expectClose(mean, [0], 1e-3);
    expectClose(variance, [1], 1e-3);
  });

  it.each([undefined, 'silu'] as const)('differentiates, activation %s', (activation) => {
    const inputs = [randn([2, 2, 2, 6], 1), randn([6], 2), randn([6], 3)];
    const op = (x: tf.Tensor, s: tf.Tensor, o: tf.Tensor) =>
      groupNorm(x, s as tf.Tensor1D, o as tf.Tensor1D, { groups: 3, activation });
    expectGradients(op, inputs);
  });

  it('leaks nothing', () => {
    const [x, s, o] = [randn([2, 4, 4], 1), randn([4], 2), randn([4], 3)];
    expectNoLeak(() => groupNorm(x, s as tf.Tensor1D, o as tf.Tensor1D, { groups: 2, activation: 'silu' }));
    expectNoLeak(() =>
      tf.grads((a, b, c) =>
        tf.sum(groupNorm(a as tf.Tensor3D, b as tf.Tensor1D, c as tf.Tensor1D, { groups: 2, activation: 'silu' })),
      )([x, s, o]),
    );
  });

  it('refuses groups that do not divide the channels', () => {
    expect(() => groupNorm(randn([1, 2, 6], 1), tf.ones([6]), tf.zeros([6]), { groups: 4 })).toThrow('into 4 groups');
    expect(() => new GroupNorm(Scope.root().at('in_layers.0'), 48)).toThrow("'in_layers.0': 48 channels");
  });

  it('declares weight and bias and takes 32 groups by default', () => {
    const scope = Scope.root();
    const layer = new GroupNorm(scope.at('norm'), 64);
    expect([...scope.specs.keys()]).toEqual(['norm.weight', 'norm.bias']);
    const p = initParams(scope.specs, 0);
    const x = randn<tf.Rank.R4>([1, 2, 2, 64], 1);
    expectClose(layer.forward(p, x), groupNorm(x, tf.ones([64]), tf.zeros([64]), { groups: 32 }), 0);
    expectClose(layer.forward(p, x, 'silu'), silu(layer.forward(p, x)), 1e-6);
  });
});

describe('layerNorm', () => {
  it('normalizes a hand-computed example', () => {
    const x = tf.tensor2d([1, 2, 3, 6, 0, 0, 0, 0], [2, 4]);
    const y = layerNorm(x, tf.tensor1d([1, 2, 1, 1]), tf.tensor1d([0, 1, 5, 0]), { epsilon: 0.5 });
    expectClose(y, [-1, 0, 5, 1.5, 0, 1, 5, 0], 1e-6);
  });

  it('differentiates', () => {
    const inputs = [randn([2, 3, 5], 1), randn([5], 2), randn([5], 3)];
    expectGradients((x, s, o) => layerNorm(x, s as tf.Tensor1D, o as tf.Tensor1D), inputs);
  });

  it('leaks nothing', () => {
    const [x, s, o] = [randn([2, 4], 1), randn([4], 2), randn([4], 3)];
    expectNoLeak(() => tf.grads((a, b, c) => tf.sum(layerNorm(a, b as tf.Tensor1D, c as tf.Tensor1D)))([x, s, o]));
  });

  it('is a layer with the keys weight and bias', () => {
    const scope = Scope.root();
    const layer = new LayerNorm(scope.at('norm1'), 5);
    expect([...scope.specs.keys()]).toEqual(['norm1.weight', 'norm1.bias']);
    const x = randn<tf.Rank.R3>([2, 3, 5], 1);
    expectClose(layer.forward(initParams(scope.specs, 0), x), layerNorm(x, tf.ones([5]), tf.zeros([5])), 0);
  });

  it('normalizes several last axes together', () => {
    const scope = Scope.root();
    const layer = new LayerNorm(scope, [3, 5]);
    expect(scope.specs.get('weight')!.shape).toEqual([3, 5]);
    const [x, weight, bias] = [randn([2, 4, 3, 5], 1), randn([3, 5], 2), randn([3, 5], 3)];
    const params = new Params([
      ['weight', weight],
      ['bias', bias],
    ]);
    const flat = layerNorm(tf.reshape(x, [8, 15]), tf.reshape(weight, [15]), tf.reshape(bias, [15]));
    expectClose(layer.forward(params, x), tf.reshape(flat, [2, 4, 3, 5]), 0);
    expectNoLeak(() => layer.forward(params, x));
    expect(() => layer.forward(params, randn([2, 5, 3], 1))).toThrow(/wanted \[\.\.\., 3, 5\]/);
  });
});
