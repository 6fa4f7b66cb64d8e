import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, expectGradients, randn, useCpu } from '../../test/support.js';
import { initParams } from './init.js';
import { Linear } from './linear.js';
import { Params } from './params.js';
import { Scope } from './scope.js';

beforeAll(useCpu);

describe('Linear', () => {
  it('computes x W^T + b over the last axis of any rank', () => {
    const layer = new Linear(Scope.root(), 2, 3);
    const p = new Params([
      ['weight', tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2])],
      ['bias', tf.tensor1d([10, 20, 30])],
    ]);
    expectClose(layer.forward(p, tf.tensor2d([1, 1, 0, 1], [2, 2])), [13, 27, 41, 12, 24, 36], 0);
    const y = layer.forward(p, tf.ones<tf.Rank.R4>([2, 3, 4, 2]));
    expect(y.shape).toEqual([2, 3, 4, 3]);
    expectClose(layer.forward(p, tf.tensor1d([1, 1])), [13, 27, 41], 0);
  });

  it('differentiates by input, weight and bias', () => {
    const layer = new Linear(Scope.root(), 3, 2);
    const op = (x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor) =>
      layer.forward(
        new Params([
          ['weight', weight],
          ['bias', bias],
        ]),
        x,
      );
    expectGradients(op, [randn([2, 2, 3], 1), randn([2, 3], 2), randn([2], 3)]);
  });

  it("declares PyTorch's initialisation, and the file's shape where the original is a convolution", () => {
    const scope = Scope.root();
    new Linear(scope.at('a'), 16, 3);
    new Linear(scope.at('b'), 16, 3, { bias: false, fileAxes: 1 });
    new Linear(scope.at('c'), 16, 3, { bias: false, fileAxes: 2 });
    const { specs } = scope;
    expect([...specs.keys()]).toEqual(['a.weight', 'a.bias', 'b.weight', 'c.weight']);
    expect(specs.get('a.weight')).toMatchObject({ shape: [3, 16], init: { kind: 'uniform', bound: 0.25 } });
    expect(specs.get('a.weight')!.file).toBeUndefined();
    expect(specs.get('a.bias')).toMatchObject({ shape: [3], init: { kind: 'uniform', bound: 0.25 } });
    expect(specs.get('b.weight')!.file).toEqual({ shape: [3, 16, 1] });
    expect(specs.get('c.weight')!.file).toEqual({ shape: [3, 16, 1, 1] });
    expect(initParams(specs, 1).get('c.weight')!.shape).toEqual([3, 16]);
  });

  it('refuses an input of another width', () => {
    const layer = new Linear(Scope.root().at('to_q'), 3, 2);
    expect(() => layer.forward(new Params(), tf.ones([3, 2]))).toThrow(
      "'to_q.weight': x is [3,2], its last axis must be 3",
    );
  });

  it('names the key it lacks', () => {
    const layer = new Linear(Scope.root().at('to_q'), 2, 2);
    expect(() => layer.forward(new Params(), tf.ones([1, 2]))).toThrow("'to_q.weight'");
  });
});
