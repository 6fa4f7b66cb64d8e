import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { testWithoutLeaks } from '../../test/support/leak-free.js';
import { valuesOf } from '../../test/support/start-engine.js';
import { currentEngine } from '../engine.js';
import { compile } from '../index.js';
import { runsInFunctions } from './graph-only.js';
import { FLOAT } from './ops.js';

testWithoutLeaks();

const held = () => {
  const { binding } = currentEngine();
  return { handles: binding.runtime.handles, slots: binding.slots.size, trace: binding.trace };
};

it('says which operations run, by running them, and leaves nothing', () => {
  const before = held();
  expect(runsInFunctions('Neg', [FLOAT], [[2, 3]])).toBe(true);
  expect(runsInFunctions('AddV2', [FLOAT], [[2, 3], [3]])).toBe(true);
  expect(held()).toEqual(before);
});

it('says which do not: unknown ones, and those that refuse what they are given', () => {
  const before = held();
  expect(runsInFunctions('NoSuchOperation', [], [[1]])).toBe(false);
  expect(
    runsInFunctions(
      'MatMul',
      [FLOAT],
      [
        [2, 3],
        [2, 3],
      ],
    ),
  ).toBe(false);
  expect(held()).toEqual(before);
});

it('can be asked while another function is being traced, which goes on', () => {
  const answers: boolean[] = [];
  const f = compile((x: tf.Tensor) => {
    const y = tf.square(x);
    answers.push(runsInFunctions('Neg', [FLOAT], [[1]]), runsInFunctions('NoSuchOperation', [], []));
    return tf.add(y, 1);
  });
  expect(valuesOf(f(tf.tensor([1, 2])))).toEqual([2, 5]);
  expect(answers).toEqual([true, false]);
});
