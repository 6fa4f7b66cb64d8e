import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, expectGradients, expectNoLeak, randn, useCpu } from '../../test/support.js';
import { attention, composedAttention, composedAttentionGrad } from './attention.js';

beforeAll(useCpu);

const attend = (heads: number, scale: number) => (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) =>
  attention(q as tf.Tensor3D, k as tf.Tensor3D, v as tf.Tensor3D, { heads, scale });

/** The definition, one query at a time, in double precision. */
function reference(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, heads: number, scale: number): Float64Array {
  const [batch, n, width] = q.shape as [number, number, number];
  const [m, vWidth] = [k.shape[1]!, v.shape[2]!];
  const [d, e] = [width / heads, vWidth / heads];
  const [qs, ks, vs] = [q.dataSync(), k.dataSync(), v.dataSync()];
  const out = new Float64Array(batch * n * vWidth);
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < n; i++) {
        const weights = new Float64Array(m);
        for (let j = 0; j < m; j++) {
          let dot = 0;
          for (let c = 0; c < d; c++)
            dot += qs[(b * n + i) * width + h * d + c]! * ks[(b * m + j) * width + h * d + c]!;
          weights[j] = Math.exp(scale * dot);
        }
        const total = weights.reduce((sum, w) => sum + w, 0);
        for (let j = 0; j < m; j++) {
          for (let c = 0; c < e; c++) {
            const at = (b * n + i) * vWidth + h * e + c;
            out[at] = out[at]! + (weights[j]! / total) * vs[(b * m + j) * vWidth + h * e + c]!;
          }
        }
      }
    }
  }
  return out;
}

describe('attention', () => {
  it('is softmax(scale q k^T) v per head, also across sequences and with another width of v', () => {
    for (const [n, m, d, e, heads] of [
      [4, 4, 3, 3, 2],
      [5, 7, 2, 4, 3],
      [6, 1, 4, 4, 1],
    ] as const) {
      const [q, k, v] = [randn([2, n, heads * d], 1), randn([2, m, heads * d], 2), randn([2, m, heads * e], 3)];
      const y = attend(heads, d ** -0.5)(q, k, v);
      expect(y.shape).toEqual([2, n, heads * e]);
      expectClose(y, reference(q, k, v, heads, d ** -0.5), 1e-6);
    }
  });

  it('differentiates by q, k and v', () => {
    expectGradients(attend(2, 0.7), [randn([2, 3, 4], 1), randn([2, 5, 4], 2), randn([2, 5, 6], 3)], 1e-3);
  });

  it('takes one tensor as q, k and v', () => {
    expectGradients((x) => attend(2, 0.5)(x, x, x), [randn([1, 4, 6], 4)], 1e-3);
  });

  it('stays finite for logits far beyond the range of exp', () => {
    const x = tf.mul(randn([1, 3, 4], 1), 100);
    expect([...attend(1, 1)(x, x, x).dataSync()].every(Number.isFinite)).toBe(true);
  });

  it.each([1, 45, 100, 1000])('gives the same in blocks of at most %i logits', (maxLogits) => {
    const inputs = { q: randn([1, 11, 6], 1), k: randn([1, 15, 6], 2), v: randn([1, 15, 9], 3) };
    const [attrs, dy] = [{ heads: 3, scale: 0.6 }, randn([1, 11, 9], 4)];
    const { q, k, v } = inputs;
    const whole = tf.grads((a, b, c) => tf.sum(tf.mul(attend(3, 0.6)(a, b, c), dy)))([q, k, v]);
    expectClose(composedAttention(inputs, attrs, maxLogits), attend(3, 0.6)(q, k, v), 1e-6);
    const y = attend(3, 0.6)(q, k, v);
    composedAttentionGrad(dy, { ...inputs, y }, attrs, maxLogits).forEach((grad, i) => {
      expectClose(grad, whole[i]!, 2e-6);
    });
  });

  it('saves only q, k, v and its result for the gradient', () => {
    const [q, k, v] = [randn([1, 64, 8], 1), randn([1, 64, 8], 2), randn([1, 64, 8], 3)];
    let held = 0;
    tf.grads((a, b, c) => {
      const before = tf.memory().numBytes;
      const y = attend(8, 1)(a, b, c);
      held = tf.memory().numBytes - before;
      return tf.sum(y);
    })([q, k, v]);
    // Five arrays of q's size (the saved ones count though they share memory); the logits alone would be 131072 bytes.
    expect(held).toBeLessThanOrEqual(5 * 64 * 8 * 4);
  });

  it('leaks nothing', () => {
    const [q, k, v] = [randn([1, 4, 4], 1), randn([1, 4, 4], 2), randn([1, 4, 4], 3)];
    expectNoLeak(() => attend(2, 1)(q, k, v));
    expectNoLeak(() => tf.grads((a, b, c) => tf.sum(attend(2, 1)(a, b, c)))([q, k, v]));
  });

  it('refuses shapes that do not fit', () => {
    const x = randn([1, 4, 6], 1);
    expect(() => attend(4, 1)(x, x, x)).toThrow('with 4 heads');
    expect(() => attend(2, 1)(x, randn([1, 4, 8], 1), x)).toThrow('k [1,4,8]');
    expect(() => attend(2, 1)(x, x, randn([1, 5, 6], 1))).toThrow('wanted q [B,N,h·d]');
  });
});
