import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { runKernel } from '../../test/support/kernel.js';
import { testWithoutLeaks } from '../../test/support/leak-free.js';
import { valuesOf } from '../../test/support/start-engine.js';
import { compile } from '../index.js';

testWithoutLeaks();

const update = (shadow: tf.Tensor, value: tf.Tensor, rate: tf.Tensor): tf.Tensor =>
  runKernel('EmaUpdate', { shadow, value, rate })[0]!;

it('moves the average towards the value by the rate: not at all for 0, all the way for 1', () => {
  const [shadow, value] = [tf.tensor([8, -8]), tf.tensor([4, 8])];
  expect([0, 0.25, 1].map((rate) => valuesOf(update(shadow, value, tf.scalar(rate))))).toEqual([
    [8, -8],
    [7, -4],
    [4, 8],
  ]);
  expect(valuesOf(shadow)).toEqual([8, -8]);
});

it('is the same in a step that owns the average, call after call', () => {
  const step = compile(update, { state: 0 });
  let shadow: tf.Tensor = tf.tensor([8, -8]);
  for (let i = 0; i < 3; i++) shadow = step(shadow, tf.tensor([0, 0]), tf.scalar(0.5));
  expect(valuesOf(shadow)).toEqual([1, -1]);
  expect(step.traces).toBe(1);
});

it('averages a value that is itself updated in the step, after its update', () => {
  type State = { weight: tf.Tensor; shadow: tf.Tensor };
  const step = compile(
    ({ weight, shadow }: State) => {
      const next = tf.add(weight, 2);
      return { weight: next, shadow: update(shadow, next, tf.scalar(0.5)) };
    },
    { state: 0 },
  );
  const { weight, shadow } = step(step({ weight: tf.tensor([0]), shadow: tf.tensor([0]) }));
  expect([valuesOf(weight), valuesOf(shadow)]).toEqual([[4], [2.5]]);
});
