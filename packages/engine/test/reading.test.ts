/** Reads that are under way while their tensors go. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { currentEngine } from '../src/engine.js';
import { compile } from '../src/index.js';
import { startEngine } from './support/start-engine.js';

beforeAll(startEngine);

const slow = compile((x: tf.Tensor2D) => {
  let y = x;
  for (let i = 0; i < 6; i++) y = tf.matMul(y, x);
  return y;
});

describe('a read that has been asked for', () => {
  it('gives the values though the tensor is disposed before they are there', async () => {
    const x = tf.fill([600, 600], 1 / 600) as tf.Tensor2D;
    const before = currentEngine().binding.runtime.handles;
    for (let round = 0; round < 20; round++) {
      const y = slow(x);
      const reads = [y.data(), y.data(), y.data()];
      y.dispose();
      // Reuse of the memory would show as other values.
      tf.dispose([tf.fill([600, 600], 7), tf.fill([600, 600], 8)]);
      for (const values of await Promise.all(reads)) expect(values[599 * 600]).toBeCloseTo(1 / 600, 6);
    }
    expect(currentEngine().binding.runtime.handles).toBe(before);
    x.dispose();
  });

  it('gives the values of its step though later steps have replaced them', async () => {
    const step = compile((w: tf.Tensor) => tf.add(w, 1), { state: 0 });
    const before = currentEngine().binding.runtime.handles;
    let w: tf.Tensor = tf.zeros([100_000]);
    const reads: Promise<Float32Array | Int32Array | Uint8Array>[] = [];
    for (let i = 0; i < 50; i++) {
      reads.push(w.data());
      w = step(w);
    }
    const values = await Promise.all(reads);
    expect(values.map((read) => read[99_999])).toEqual(Array.from({ length: 50 }, (_, i) => i));
    w.dispose();
    expect(currentEngine().binding.runtime.handles).toBe(before);
  });
});

describe('dispose() of a compiled function', () => {
  it('frees its gradient too, and both work again afterwards', () => {
    const square = compile((x: tf.Tensor) => tf.square(x));
    const grad = () =>
      tf.tidy(() => [
        ...tf
          .grad(square)(tf.tensor1d([3]))
          .dataSync(),
      ]);
    expect(grad()).toEqual([6]);
    square.dispose();
    expect(grad()).toEqual([6]);
    expect(square.traces).toBe(2);
  });
});
