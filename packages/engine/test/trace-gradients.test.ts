/** The kernels that UNet, VAE and BERT models use: values and gradients inside compile() against those outside. */

import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { compile, useEngine } from '../src/index.js';
import { downloadAll, expectClose } from './support/expect-close.js';
import { MODEL_KERNELS } from './support/model-kernels.js';
import { tensorOf, upload } from './support/plain-tensor.js';

/** Sums over a few thousand products, in another order. */
const TOLERANCE = 2e-5;

beforeAll(async () => {
  tf.enableProdMode();
  await useEngine({ device: 'cpu' });
});

describe('the kernels of the models under trace', () => {
  for (const [name, shapes, fn] of MODEL_KERNELS) {
    it(`${name}: value and gradients`, () => {
      const held = tf.memory().numTensors;
      tf.tidy(() => {
        const draws = fc.sample(fc.tuple(...shapes.map((shape) => tensorOf(shape, 'float32', { min: -1, max: 1 }))), {
          numRuns: 1,
          seed: 5,
        })[0]!;
        const inputs = draws.map(upload);
        const y = fn(...inputs);
        // A fixed weighting, so that no gradient vanishes by symmetry.
        const weights = tf.reshape(tf.cos(tf.range(0, y.size)), y.shape);
        const valueAndGrads = (...args: tf.Tensor[]): tf.Tensor[] => {
          const { value, grads } = tf.valueAndGrads(
            (...xs: tf.Tensor[]) => tf.sum(tf.mul(fn(...xs), weights)) as tf.Scalar,
          )(args);
          return [value, ...grads];
        };
        const eager = downloadAll([y, ...valueAndGrads(...inputs)]);
        expect(eager.slice(2).every(({ values }) => values.some((value) => value !== 0))).toBe(true);

        const inside = compile((...args: tf.Tensor[]) => [fn(...args), ...valueAndGrads(...args)], { name });
        expectClose(downloadAll(inside(...inputs)), eager, TOLERANCE);

        // The same gradients of a compiled forward pass, asked for from outside.
        const forward = compile(fn, { name });
        const outside = tf.valueAndGrads((...xs: tf.Tensor[]) => tf.sum(tf.mul(forward(...xs), weights)) as tf.Scalar)(
          inputs,
        );
        expectClose(downloadAll([forward(...inputs), outside.value, ...outside.grads]), eager, TOLERANCE);
        inside.dispose();
        forward.dispose();
      });
      expect(tf.memory().numTensors).toBe(held);
    });
  }
});
