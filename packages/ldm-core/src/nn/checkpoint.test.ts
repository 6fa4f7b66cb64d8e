import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { expectClose, expectNoLeak, randn, useCpu } from '../../test/support.js';
import { silu } from './activations.js';
import { checkpoint } from './checkpoint.js';
import { dropout } from './dropout.js';
import { initParams } from './init.js';
import { Linear } from './linear.js';
import { Params } from './params.js';
import { Rng } from './random.js';
import { Scope } from './scope.js';
import { valueAndGrad } from './value-and-grads.js';

beforeAll(useCpu);

const WIDTH = 6;

/** A chain of residual blocks, each checkpointed or not. */
function chain(blocks: number) {
  const scope = Scope.root();
  const layers = Array.from({ length: blocks }, (_, i) => new Linear(scope.at(i), WIDTH, WIDTH));
  const block = (layer: Linear) => (p: Params, h: tf.Tensor) => tf.add(h, silu(layer.forward(p, silu(h))));
  const forward = (p: Params, x: tf.Tensor, use: boolean) =>
    layers.reduce((h, layer, i) => (use ? checkpoint(block(layer), p.under(String(i)), h) : block(layer)(p, h)), x);
  return { params: initParams(scope.specs, 1), forward };
}

const sumOfSquares = (x: tf.Tensor) => tf.sum(tf.square(x)) as tf.Scalar;

describe('checkpoint', () => {
  it('gives the same value and the same gradients, bit for bit', () => {
    const { params, forward } = chain(4);
    const x = randn([3, WIDTH], 2);
    const run = (use: boolean) =>
      valueAndGrad((p) => sumOfSquares(forward(p, p.get('x')!, use)), params.merge(new Params([['x', x]])));
    const [plain, recomputed] = [run(false), run(true)];
    expectClose(recomputed.value, plain.value, 0);
    expect([...recomputed.grads.keys()]).toEqual([...plain.grads.keys()]);
    for (const [key, grad] of plain.grads) expectClose(recomputed.grads.get(key)!, grad, 0);
  });

  it('holds less on the tape', () => {
    const { params, forward } = chain(4);
    const x = randn([3, WIDTH], 2);
    const held = (use: boolean) => {
      let count = 0;
      tf.tidy(() => {
        valueAndGrad((p) => {
          const before = tf.memory().numTensors;
          // What remains after the inner tidy is what the tape has saved, and the result.
          const y = tf.tidy(() => forward(p, x, use));
          count = tf.memory().numTensors - before;
          return sumOfSquares(y);
        }, params);
      });
      return count;
    };
    // A checkpointed block saves its two parameters and its input.
    expect(held(true)).toBe(4 * 3 + 1);
    expect(held(false)).toBeGreaterThan(4 * 5);
  });

  it('nests', () => {
    const { params, forward } = chain(3);
    const x = randn([2, WIDTH], 3);
    const nested = valueAndGrad((p) => sumOfSquares(checkpoint((q, h) => forward(q, h, true), p, x)), params);
    const plain = valueAndGrad((p) => sumOfSquares(forward(p, x, false)), params);
    for (const [key, grad] of plain.grads) expectClose(nested.grads.get(key)!, grad, 0);
  });

  it('draws the same random numbers again', () => {
    const w = new Params([['w', randn([WIDTH], 1)]]);
    const x = randn([20, WIDTH], 2);
    const block = (p: Params, h: tf.Tensor) => dropout(tf.mul(h, p.get('w')!), 0.5, Rng.of(1));
    const recomputed = valueAndGrad((p) => sumOfSquares(checkpoint(block, p, x)), w);
    const plain = valueAndGrad((p) => sumOfSquares(block(p, x)), w);
    expectClose(recomputed.grads.get('w')!, plain.grads.get('w')!, 0);
  });

  it('passes integers through, and gives zero to what is not used', () => {
    const params = new Params([
      ['table', randn([4, 2], 1)],
      ['unused', randn([3], 2)],
      ['count', tf.scalar(2, 'int32')],
    ]);
    const ids = tf.tensor1d([1, 3, 1], 'int32');
    const { grads } = valueAndGrad(
      (p) => sumOfSquares(checkpoint((q, i) => tf.gather(q.get('table')!, i as tf.Tensor1D), p, ids)),
      params,
    );
    expect([...grads.keys()]).toEqual(['table', 'unused']);
    expectClose(grads.get('unused')!, [0, 0, 0], 0);
    const table = params.get('table')!.dataSync();
    expectClose(grads.get('table')!, [0, 0, 4 * table[2]!, 4 * table[3]!, 0, 0, 2 * table[6]!, 2 * table[7]!], 1e-5);
  });

  it('returns an input as it is, with its gradient', () => {
    const params = new Params([['x', tf.tensor1d([1, 2])]]);
    const { grads } = valueAndGrad((p) => {
      const same = checkpoint((_, h) => h, new Params(), p.get('x')!);
      return sumOfSquares(tf.add(same, p.get('x')!));
    }, params);
    expectClose(grads.get('x')!, [8, 16], 0);
  });

  it('runs without a gradient', () => {
    const { params, forward } = chain(2);
    const x = randn([2, WIDTH], 3);
    expectClose(forward(params, x, true), forward(params, x, false), 0);
  });

  it('leaks nothing, also when the block fails on its second run', () => {
    const { params, forward } = chain(2);
    const x = randn([2, WIDTH], 3);
    const loss = (p: Params) => sumOfSquares(forward(p, x, true));
    expectNoLeak(() => {
      const { value, grads } = valueAndGrad(loss, params);
      return [value, ...grads.values()];
    });
    let runs = 0;
    const failing = (p: Params, h: tf.Tensor) => {
      const y = silu(tf.mul(h, p.get('0.bias')!));
      if (++runs === 2) throw new Error('out of luck');
      return y;
    };
    const before = tf.memory().numTensors;
    expect(() => valueAndGrad((p) => sumOfSquares(checkpoint(failing, p, x)), params)).toThrow('out of luck');
    expect(runs).toBe(2);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('on a backend with RecomputeBarrier', () => {
  afterEach(() => tf.unregisterKernel('RecomputeBarrier', 'cpu'));

  it('passes dy and everything saved through it, and computes from what comes out', () => {
    const seen: string[][] = [];
    tf.registerKernel({
      kernelName: 'RecomputeBarrier',
      backendName: 'cpu',
      kernelFunc: ({ inputs }) => {
        const { dy, ...rest } = inputs;
        expect((dy as tf.Tensor).shape).toEqual([2]);
        seen.push(Object.keys(inputs));
        return Object.values(rest).map((tensor) => tf.mul(tensor as tf.Tensor, 10));
      },
    });
    const params = new Params([['w', tf.tensor1d([1, 2])]]);
    const x = tf.tensor1d([3, 4]);
    const { grads } = valueAndGrad((p) => tf.sum(checkpoint((q, h) => tf.mul(q.get('w')!, h), p, x)), params);
    expect(seen).toEqual([['dy', 'x0', 'x1']]);
    expectClose(grads.get('w')!, [30, 40], 0);
  });
});
