/**
 * tfjs-core's operations on TensorFlow against its plain JavaScript backend: values, shapes and types, over random shapes
 * (empty axes and scalars included), types and broadcasts.
 */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { useEngine } from '../src/index.js';
import { downloadAll, expectClose } from './support/expect-close.js';
import { OPS } from './support/ops/index.js';
import { upload } from './support/plain-tensor.js';

const RUNS = 40;

beforeAll(async () => {
  tf.enableProdMode();
  await useEngine({ device: 'cpu' });
});

describe('operations equal tfjs-core on the cpu backend', () => {
  it('covers at least 60 of them, each once', () => {
    const names = OPS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThanOrEqual(60);
  });

  for (const { name, input, run, tolerance } of OPS) {
    it(name, async () => {
      const on = async (backend: string, tensors: Parameters<typeof upload>[0][], attrs: unknown) => {
        await tf.setBackend(backend);
        tf.engine().startScope();
        try {
          return downloadAll(run(tensors.map(upload), attrs));
        } finally {
          tf.engine().endScope();
        }
      };
      const held = tf.memory().numTensors;
      await fc.assert(
        fc.asyncProperty(input, async ({ tensors, attrs }) => {
          const wanted = await on('cpu', [...tensors], attrs);
          expectClose(await on('tensorflow', [...tensors], attrs), wanted, tolerance);
        }),
        { numRuns: RUNS, seed: 20231 },
      );
      expect(tf.memory().numTensors).toBe(held);
    });
  }

  it('matMul broadcasts batches on both sides', async () => {
    await tf.setBackend('tensorflow');
    const a = tf.tensor4d([1, 2, 3, 4], [2, 1, 1, 2]);
    const b = tf.tensor4d([5, 6, 7, 8, 9, 10], [1, 3, 2, 1]);
    // Row i of a times column j of b, by hand.
    expect(Array.from(tf.matMul(a, b).dataSync())).toEqual([17, 23, 29, 39, 53, 67]);
  });
});
