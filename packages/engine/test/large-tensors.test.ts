import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { useEngine } from '../src/index.js';

it('uploads and reads tensors of more bytes than one native copy takes', async () => {
  tf.enableProdMode();
  await useEngine({ device: 'cpu' });
  const size = 2 ** 24 + 3; // float32: 64 MiB and 12 bytes
  const values = new Float32Array(size);
  const marks = [0, 2 ** 24 - 1, 2 ** 24, size - 1];
  for (const [i, at] of marks.entries()) values[at] = i + 1;
  const tensor = tf.tensor1d(values);
  const read = await tensor.data();
  tensor.dispose();
  expect(read).toHaveLength(size);
  expect(marks.map((at) => read[at])).toEqual([1, 2, 3, 4]);
});
