import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, expect, it } from 'vitest';
import { meanOfParts } from './mean-of-parts.js';

beforeAll(() => tf.setBackend('cpu'));

interface Losses {
  readonly loss: tf.Scalar;
  readonly logvar?: tf.Scalar | undefined;
}

const losses = (loss: number, logvar?: number): Losses => ({
  loss: tf.scalar(loss),
  logvar: logvar === undefined ? undefined : tf.scalar(logvar),
});
const read = (of: Losses) => Object.entries(of).map(([name, value]) => [name, value?.arraySync()]);

it('takes the mean of every loss by itself', () => {
  expect(read(meanOfParts([losses(1, 7), losses(2, 8), losses(6, -3)]))).toEqual([
    ['loss', 3],
    ['logvar', 4],
  ]);
});

it('leaves out what the parts do not have', () => {
  expect(read(meanOfParts([losses(1), losses(2)]))).toEqual([['loss', 1.5]]);
});

it('hands the losses of a whole batch on', () => {
  const whole = losses(5, 2);
  expect(meanOfParts([whole])).toBe(whole);
});
