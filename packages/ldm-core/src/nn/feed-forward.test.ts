import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, expectGradients, expectNoLeak, randn, useCpu, valuesOf } from '../../test/support.js';
import { gelu } from './activations.js';
import { FeedForward, type FeedForwardOptions, GEGLU } from './feed-forward.js';
import { initParams } from './init.js';
import { Params } from './params.js';
import { Rng } from './random.js';
import { Scope } from './scope.js';

beforeAll(useCpu);

const DIM = 3;
function layerOf(options: FeedForwardOptions, dim = DIM) {
  const scope = Scope.root();
  const layer = new FeedForward(scope.at('ff'), dim, options);
  return { layer, params: initParams(scope.specs, 1), specs: scope.specs };
}

describe('GEGLU', () => {
  it('multiplies the first half by GELU of the second', () => {
    const layer = new GEGLU(Scope.root().at('a'), 1, 2);
    const p = new Params([
      ['a.proj.weight', tf.tensor2d([2, 3, 5, 7], [4, 1])],
      ['a.proj.bias', tf.tensor1d([0, 1, 0, -7])],
    ]);
    const y = layer.forward(p, tf.ones<tf.Rank.R3>([1, 1, 1]));
    expect(y.shape).toEqual([1, 1, 2]);
    // Values 2 and 4, gates 5 and 0.
    expectClose(y, [2 * 4.99999856, 0], 1e-5);
  });
});

describe('FeedForward', () => {
  it.each([
    { gated: true, first: 'ff.net.0.proj', width: 8 * DIM },
    { gated: false, first: 'ff.net.0.0', width: 4 * DIM },
  ])('declares its layers by the names of the file, gated: $gated', ({ gated, first, width }) => {
    const { specs } = layerOf({ gated });
    expect([...specs].map(([key, { shape }]) => [key, shape])).toEqual([
      [`${first}.weight`, [width, DIM]],
      [`${first}.bias`, [width]],
      ['ff.net.2.weight', [DIM, 4 * DIM]],
      ['ff.net.2.bias', [DIM]],
    ]);
  });

  it('without a gate is Linear, GELU, Linear', () => {
    const { layer, params } = layerOf({ gated: false });
    const x = randn<tf.Rank.R3>([2, 4, DIM], 2);
    const linear = (h: tf.Tensor, name: string) =>
      tf.add(
        tf.matMul(h as tf.Tensor2D, params.get(`${name}.weight`) as tf.Tensor2D, false, true),
        params.get(`${name}.bias`)!,
      );
    const wanted = linear(gelu(linear(tf.reshape(x, [8, DIM]), 'ff.net.0.0')), 'ff.net.2');
    const y = layer.forward(params, x);
    expect(y.shape).toEqual([2, 4, DIM]);
    expectClose(y, wanted, 1e-6);
  });

  it.each([true, false])('differentiates by input and weights, gated: %s', (gated) => {
    const { layer, params } = layerOf({ gated });
    const keys = [...params.keys()];
    const op = (x: tf.Tensor, ...weights: tf.Tensor[]) =>
      layer.forward(new Params(keys.map((key, i) => [key, weights[i]!])), x as tf.Tensor3D);
    expectGradients(op, [randn([1, 2, DIM], 3), ...params.values()]);
  });

  it('drops hidden features where it is given draws, the same for the same', () => {
    const { layer, params } = layerOf({ gated: true, dropout: 0.5 }, 16);
    const x = randn<tf.Rank.R3>([1, 8, 16], 4);
    const run = (rng?: Rng) => Array.from(valuesOf(layer.forward(params, x, rng)));
    const plain = run();
    expect(run(Rng.of(1))).not.toEqual(plain);
    expect(run(Rng.of(1))).toEqual(run(Rng.of(1)));
    expect(run(Rng.of(2))).not.toEqual(run(Rng.of(1)));
    expect(Array.from(valuesOf(layerOf({ gated: true }, 16).layer.forward(params, x, Rng.of(1))))).toEqual(plain);
  });

  it('of everything dropped is the last bias', () => {
    const { layer, params } = layerOf({ gated: false, dropout: 1 });
    const y = layer.forward(params, randn([1, 1, DIM], 5), Rng.of(1));
    expectClose(y, params.get('ff.net.2.bias')!, 0);
  });

  it('draws by its place in the model, not like another layer', () => {
    const options = { gated: false, dropout: 0.5 };
    const [one, two] = ['one', 'two'].map((name) => {
      const scope = Scope.root();
      const layer = new FeedForward(scope.at(name), 16, options);
      const { params } = layerOf({ gated: false }, 16);
      const renamed = new Params([...params].map(([key, tensor]) => [key.replace('ff', name), tensor]));
      return Array.from(valuesOf(layer.forward(renamed, tf.ones([1, 4, 16]), Rng.of(1))));
    });
    expect(one).not.toEqual(two);
  });

  it('leaks nothing', () => {
    const { layer, params } = layerOf({ gated: true, dropout: 0.1 });
    const x = randn<tf.Rank.R3>([2, 2, DIM], 6);
    expectNoLeak(() => layer.forward(params, x, Rng.of(1)));
  });
});
