import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { largestDifference, runKernel, waves } from '../../test/support/kernel.js';
import { testWithoutLeaks } from '../../test/support/leak-free.js';
import { compile } from '../index.js';

testWithoutLeaks();

type Shape = [number, number, number];
type Attrs = { heads: number; scale: number };

/** softmax(scale q k^T) v with all logits at once. q [B,N,h·d], k [B,M,h·d], v [B,M,h·e] */
function composed(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, { heads, scale }: Attrs): tf.Tensor {
  const split = (x: tf.Tensor) => {
    const [B, N, C] = x.shape as Shape;
    return tf.transpose(tf.reshape(x, [B, N, heads, C / heads]), [0, 2, 1, 3]);
  };
  const P = tf.softmax(tf.mul(tf.matMul(split(q), split(k), false, true), scale));
  const y = tf.transpose(tf.matMul(P, split(v)), [0, 2, 1, 3]);
  return tf.reshape(y, [q.shape[0]!, q.shape[1]!, v.shape[2]!]);
}

const CASES: { what: string; q: Shape; k: Shape; v: Shape; attrs: Attrs }[] = [
  { what: 'one block', q: [2, 5, 6], k: [2, 7, 6], v: [2, 7, 4], attrs: { heads: 2, scale: 0.5 } },
  { what: 'one head, one key', q: [1, 3, 4], k: [1, 1, 4], v: [1, 1, 2], attrs: { heads: 1, scale: 2 } },
  // Blocks of 2^22 logits: two of the three heads in one, the third in another.
  { what: 'blocks of heads', q: [2, 512, 6], k: [2, 2048, 6], v: [2, 2048, 3], attrs: { heads: 3, scale: 0.4 } },
  // One head has more than a block: rows 0-31, then the rest.
  { what: 'blocks of rows', q: [1, 40, 4], k: [1, 2 ** 17, 4], v: [1, 2 ** 17, 2], attrs: { heads: 2, scale: 0.3 } },
];

describe.each(CASES)('attention in $what', ({ q, k, v, attrs }) => {
  const inputs = () => ({ q: waves(q, 0, 2), k: waves(k, 1, 2), v: waves(v, 2) });

  it('is that with all logits at once', () => {
    const { q, k, v } = inputs();
    const [y] = runKernel('Attention', { q, k, v }, attrs);
    expect(y!.shape).toEqual([q.shape[0], q.shape[1], v.shape[2]]);
    expect(largestDifference(y!, composed(q, k, v, attrs))).toBeLessThan(2e-6);
  });

  it('has its gradients', () => {
    const { q, k, v } = inputs();
    const dy = waves([q.shape[0]!, q.shape[1]!, v.shape[2]!], 3);
    const y = composed(q, k, v, attrs);
    const got = runKernel('AttentionGrad', { dy, q, k, v, y }, attrs);
    const wanted = tf.grads((...[q, k, v]: tf.Tensor[]) => composed(q!, k!, v!, attrs))([q, k, v], dy);
    got.forEach((grad, i) => {
      expect(grad.shape).toEqual(wanted[i]!.shape);
      const largest = tf.max(tf.abs(wanted[i]!)).dataSync()[0]!;
      expect(largestDifference(grad, wanted[i]!)).toBeLessThan(1e-5 * Math.max(0.1, largest));
    });
  });
});

it('in bfloat16 has gradients as near to those of float32 as a rounded logit lets them be', () => {
  const [q, k, v] = [0, 1, 2].map((seed) => waves([1, 256, 64], seed)) as [tf.Tensor, tf.Tensor, tf.Tensor];
  const dy = waves([1, 256, 64], 3);
  const attrs: Attrs = { heads: 2, scale: 1 / Math.sqrt(32) };
  const grads = (dy: tf.Tensor, q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) => {
    const [y] = runKernel('Attention', { q, k, v }, attrs);
    return runKernel('AttentionGrad', { dy, q, k, v, y: y! }, attrs);
  };
  const half = compile(grads, { precision: 'bfloat16' });
  const got = half(dy, q, k, v);
  grads(dy, q, k, v).forEach((wanted, i) => {
    const distance = tf.norm(tf.sub(got[i]!, wanted)).dataSync()[0]! / tf.norm(wanted).dataSync()[0]!;
    expect(distance).toBeGreaterThan(0);
    expect(distance).toBeLessThan(0.02);
  });
  half.dispose();
});

it('stays finite for logits that overflow exp', () => {
  const q = tf.fill([1, 2, 2], 200);
  const [y] = runKernel('Attention', { q, k: q, v: waves([1, 2, 2]) }, { heads: 1, scale: 1 });
  expect(largestDifference(y!, tf.tile(tf.mean(waves([1, 2, 2]), 1, true), [1, 2, 1]))).toBeLessThan(1e-6);
});
