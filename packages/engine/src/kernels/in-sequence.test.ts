import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { testWithoutLeaks } from '../../test/support/leak-free.js';
import { valuesOf } from '../../test/support/start-engine.js';
import { compile } from '../compile/index.js';
import { inSequence } from './in-sequence.js';

testWithoutLeaks();

const doubled = (x: tf.Tensor, parts: readonly number[]) =>
  inSequence(parts, (part) => [tf.mul(tf.add(x, part), 2), tf.neg(x)]).map(([y]) => y!);

it('computes each part, at once and in a function, and keeps only results', () => {
  const x = tf.tensor1d([1, 2]);
  const wanted = [
    [2, 4],
    [22, 24],
    [42, 44],
  ];
  const before = tf.memory().numTensors;
  const eager = inSequence([0, 10, 20], (part) => [tf.mul(tf.add(x, part), 2)]).flat();
  expect(tf.memory().numTensors - before).toBe(3);
  expect(eager.map(valuesOf)).toEqual(wanted);
  const compiled = compile((x: tf.Tensor1D) => doubled(x, [0, 10, 20]));
  expect(compiled(x).map(valuesOf)).toEqual(wanted);
  compiled.dispose();
});

it('of nothing is nothing', () => {
  expect(inSequence([], () => [tf.scalar(1)])).toEqual([]);
});
