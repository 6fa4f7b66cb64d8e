import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, useCpu } from '../../test/support.js';
import { Embedding } from './embedding.js';
import { normal } from './init.js';
import { Params } from './params.js';
import { Scope } from './scope.js';

beforeAll(useCpu);

describe('Embedding', () => {
  const table = () => new Params([['weight', tf.tensor2d([0, 1, 10, 11, 20, 21], [3, 2])]]);

  it('looks rows up', () => {
    const layer = new Embedding(Scope.root(), 3, 2);
    const y = layer.forward(table(), tf.tensor2d([2, 0, 1, 2], [2, 2], 'int32'));
    expect(y.shape).toEqual([2, 2, 2]);
    expectClose(y, [20, 21, 0, 1, 10, 11, 20, 21], 0);
  });

  it('adds the gradients of a row that was used twice', () => {
    const layer = new Embedding(Scope.root(), 3, 2);
    const ids = tf.tensor1d([2, 0, 2], 'int32');
    const weights = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
    const loss = (weight: tf.Tensor) => tf.sum(tf.mul(layer.forward(new Params([['weight', weight]]), ids), weights));
    expectClose(tf.grad(loss)(table().get('weight')!), [3, 4, 0, 0, 6, 8], 0);
  });

  it('declares its table', () => {
    const scope = Scope.root();
    new Embedding(scope.at('token_emb'), 30522, 640, { init: normal(0, 0.02) });
    expect(scope.specs.get('token_emb.weight')).toMatchObject({
      shape: [30522, 640],
      init: { kind: 'normal', mean: 0, std: 0.02 },
    });
  });

  it('refuses indices that are no integers', () => {
    const layer = new Embedding(Scope.root().at('emb'), 3, 2);
    expect(() => layer.forward(table(), tf.tensor1d([0, 1]))).toThrow("'emb.weight': ids are float32");
  });
});
