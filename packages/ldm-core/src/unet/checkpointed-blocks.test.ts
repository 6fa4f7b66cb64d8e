import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { weightsOf } from '../../test/parity-case.js';
import { expectClose, randn, useCpu } from '../../test/support.js';
import type { Params } from '../nn/params.js';
import { Rng } from '../nn/random.js';
import { Scope } from '../nn/scope.js';
import { valueAndGrads } from '../nn/value-and-grads.js';
import { BasicTransformerBlock } from './basic-transformer-block.js';
import { ResBlock } from './res-block.js';

beforeAll(useCpu);

const rng = Rng.of(5);

/** Gradients of a weighted sum of a block's output by its weights and inputs. */
function gradients(weights: Params, inputs: Record<string, tf.Tensor>, run: (p: Params) => tf.Tensor): Params {
  const all = weights.merge(new Map(Object.entries(inputs)));
  return valueAndGrads((p) => {
    const y = run(p);
    return { loss: tf.sum(tf.mul(y, randn(y.shape, 9))) as tf.Scalar };
  }, all).grads;
}

function expectSame(a: Params, b: Params): void {
  expect([...a.keys()].sort()).toEqual([...b.keys()].sort());
  for (const [key, grad] of a) expectClose(grad, b.get(key)!, 0);
}

describe('ResBlock', () => {
  const build = (useCheckpoint: boolean) => {
    const scope = Scope.root();
    const block = new ResBlock(scope.at('b'), {
      channels: 32,
      embChannels: 8,
      dropout: 0.5,
      outChannels: 64,
      useCheckpoint,
    });
    return { block, p: weightsOf(scope.specs) };
  };
  const run = (useCheckpoint: boolean) => {
    const { block, p } = build(useCheckpoint);
    const inputs = { x: randn([1, 3, 3, 32], 1), emb: randn([1, 8], 2) };
    const forward = (p: Params) => block.forward(p, p.get('x') as tf.Tensor4D, p.get('emb') as tf.Tensor2D, rng);
    return gradients(p, inputs, forward);
  };

  it('has the same gradients when it is recomputed, dropout included', () => {
    const plain = run(false);
    expect(plain.has('x') && plain.has('emb') && plain.has('b.skip_connection.weight')).toBe(true);
    expectSame(run(true), plain);
  });

  it('drops only with an rng', () => {
    const { block, p } = build(false);
    const [x, emb] = [randn<tf.Rank.R4>([1, 3, 3, 32], 1), randn<tf.Rank.R2>([1, 8], 2)];
    const [a, b] = [block.forward(p, x, emb), block.forward(p, x, emb)];
    expectClose(a, b, 0);
    expectClose(block.forward(p, x, emb, rng), block.forward(p, x, emb, rng), 0);
    expect(tf.max(tf.abs(tf.sub(a, block.forward(p, x, emb, rng)))).dataSync()[0]).toBeGreaterThan(0.01);
  });
});

describe('BasicTransformerBlock', () => {
  const CASES = {
    'with embeddings': { context: randomContext(3) },
    'with ready keys and values': { 'b.attn2.k': randomContext(4), 'b.attn2.v': randomContext(5) },
    'on its own tokens': {},
  };
  // Shapes only: tensors are made when a backend is there.
  function randomContext(seed: number) {
    return { seed, shape: [1, 5, 8] };
  }

  it.each(Object.entries(CASES))('has the same gradients when it is recomputed, %s', (_, wanted) => {
    const run = (checkpoint: boolean) => {
      const scope = Scope.root();
      const options = { dim: 8, nHeads: 2, dHead: 4, dropout: 0.3, gatedFf: false, checkpoint };
      const block = new BasicTransformerBlock(scope.at('b'), options);
      const made = Object.entries(wanted).map(([name, { shape, seed }]) => [name, randn(shape, seed)] as const);
      const given = Object.fromEntries(made);
      return gradients(weightsOf(scope.specs), { x: randn([1, 4, 8], 1), ...given }, (p) => {
        const keys = Object.fromEntries(made.map(([name]) => [name, p.get(name) as tf.Tensor3D]));
        const context = 'context' in given ? (p.get('context') as tf.Tensor3D) : made.length > 0 ? keys : null;
        return block.forward(p, p.get('x') as tf.Tensor3D, context, rng);
      });
    };
    const plain = run(false);
    for (const name of ['x', ...Object.keys(wanted)]) expect(plain.has(name)).toBe(true);
    expectSame(run(true), plain);
  });

  it('says so when it is given no context of its width', () => {
    const scope = Scope.root();
    const block = new BasicTransformerBlock(scope.at('b'), { dim: 8, nHeads: 2, dHead: 4, contextDim: 6 });
    const p = weightsOf(scope.specs);
    expect(() => block.forward(p, randn([1, 4, 8], 1), null)).toThrow(/\[1,4,8\], wanted \[B,L,6\]; give a context/);
    expect(() => block.forward(p, randn([1, 4, 8], 1), {})).toThrow(
      /no keys and values under this path \(held: none\)/,
    );
  });
});
