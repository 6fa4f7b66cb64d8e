import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { waves } from '../test/support/kernel.js';
import { testWithoutLeaks } from '../test/support/leak-free.js';
import { compile } from './compile/index.js';
import { currentEngine } from './engine.js';
import { heldBytes } from './held-bytes.js';
import { narrow } from './narrow.js';

testWithoutLeaks();

const held = () => heldBytes(currentEngine().binding.slots);

it('counts what tensors take, in the type that they are stored in, until they are freed', () => {
  const before = held();
  const wide = waves([10, 3]);
  expect(held() - before).toBe(10 * 3 * 4);
  const half = narrow(wide, 'bfloat16');
  expect(held() - before).toBe(10 * 3 * 4 + 10 * 3 * 2);
  tf.dispose([wide, half]);
  expect(held()).toBe(before);
});

it('counts what a function keeps of its weights besides', async () => {
  const [x, w] = [waves([4, 32]) as tf.Tensor2D, narrow(waves([8, 32], 3), 'bfloat16') as tf.Tensor2D];
  const before = held();
  const product = compile((w: tf.Tensor2D) => tf.matMul(x, w, false, true), { precision: 'bfloat16' });
  const y = product(w);
  await y.data();
  expect(held() - before).toBe(4 * 8 * 4 + 8 * 32 * 2);
  product.dispose();
  y.dispose();
  expect(held()).toBe(before);
});
