import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { EncodedConditions, type EncodedContexts } from './encoded-conditions.js';

beforeAll(async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
});

/** What an encoder is given: as many images as there are numbers. */
const given = (...numbers: number[]) => ({ embeddings: { text: tf.tensor3d(numbers, [numbers.length, 1, 1]) } });

/** An encoder that counts its calls, and passes its input on as keys, and ten times that as values. */
function counting() {
  let calls = 0;
  const encode = (conditions: object): EncodedContexts => {
    calls++;
    const { text } = (conditions as ReturnType<typeof given>).embeddings;
    return { text: { 'attn2.to_k': tf.clone(text), 'attn2.to_v': tf.mul(text, 10) } };
  };
  return { encode, calls: () => calls };
}

const numbers = ({ text }: EncodedContexts) => Object.values(text!).map((tensor) => Array.from(tensor.dataSync()));

it('encodes a prompt once, whatever the number of batches and their sizes', () => {
  const { encode, calls } = counting();
  const conditions = new EncodedConditions(encode, { cond: given(3), scale: 1 });
  expect(numbers(conditions.forBatch(2))).toEqual([
    [3, 3],
    [30, 30],
  ]);
  expect(numbers(conditions.forBatch(1))).toEqual([[3], [30]]);
  expect(numbers(conditions.forBatch(3))[0]).toEqual([3, 3, 3]);
  expect(calls()).toBe(1);
});

it('encodes what to steer away from once too, and puts it first', () => {
  const { encode, calls } = counting();
  const conditions = new EncodedConditions(encode, { cond: given(3), uncond: given(5), scale: 2 });
  for (let i = 0; i < 2; i++) expect(numbers(conditions.forBatch(2))[0]).toEqual([5, 5, 3, 3]);
  expect(calls()).toBe(2);
});

it('leaves conditions of each image as they are, and refuses those of another number', () => {
  const { encode } = counting();
  const conditions = new EncodedConditions(encode, { cond: given(1, 2), scale: 1 });
  expect(numbers(conditions.forBatch(2))[0]).toEqual([1, 2]);
  expect(() => conditions.forBatch(3)).toThrow('wanted a batch of one');
});

it('gives back all that it holds', () => {
  const { encode } = counting();
  const [cond, uncond] = [given(3), given(5)];
  const before = tf.memory().numTensors;
  const conditions = new EncodedConditions(encode, { cond, uncond, scale: 2 });
  const batch = conditions.forBatch(2);
  tf.dispose(Object.values(batch.text!));
  conditions.dispose();
  expect(tf.memory().numTensors).toBe(before);
});
