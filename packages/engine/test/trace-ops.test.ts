/** Every operation of the table, inside a compiled function, against the same operation run at once. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { compile, useEngine } from '../src/index.js';
import { downloadAll, expectClose } from './support/expect-close.js';
import { OPS } from './support/ops/index.js';
import { upload } from './support/plain-tensor.js';

const RUNS = 4;
/** Grappler may fold constants and fuse, which moves the last bits. */
const TOLERANCE = 1e-6;

beforeAll(async () => {
  tf.enableProdMode();
  await useEngine({ device: 'cpu' });
});

describe('operations inside compile() equal those outside', () => {
  for (const { name, input, run, refused } of OPS) {
    it(refused === undefined ? name : `${name} is refused, as it must be`, () => {
      const held = tf.memory().numTensors;
      fc.assert(
        fc.property(input, ({ tensors, attrs }) => {
          tf.tidy(() => {
            const inputs = tensors.map(upload);
            const compiled = compile((...args: tf.Tensor[]) => run(args, attrs), { name });
            if (refused !== undefined) {
              expect(() => compiled(...inputs)).toThrow(refused);
              return;
            }
            expectClose(downloadAll(compiled(...inputs)), downloadAll(run(inputs, attrs)), TOLERANCE);
            compiled.dispose();
          });
        }),
        { numRuns: RUNS, seed: 77 },
      );
      expect(tf.memory().numTensors).toBe(held);
    });
  }
});
