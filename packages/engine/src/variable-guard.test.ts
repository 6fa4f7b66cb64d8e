import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TensorBinding } from './binding.js';
import type { Trace } from './trace.js';
import { guardVariables } from './variable-guard.js';

/** What the guard asks of a binding: whether a function is being traced, and an error about it. */
const binding = { trace: null as Pick<Trace, 'refuse'> | null };
const trace: Pick<Trace, 'refuse'> = {
  refuse: (op, problem, advice) => new Error(`${op} ${problem}. ${advice}`) as ReturnType<Trace['refuse']>,
};

beforeAll(async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
  guardVariables(binding as object as TensorBinding);
});
beforeEach(() => {
  binding.trace = null;
});

describe('outside a trace', () => {
  it('variables are made and assigned as ever', () => {
    const v = tf.variable(tf.tensor([1, 2]), true, 'outside');
    v.assign(tf.tensor([3, 4]));
    expect([...v.dataSync()]).toEqual([3, 4]);
    expect([v.trainable, v.name]).toEqual([true, 'outside']);
    expect(() => v.assign(tf.tensor([1, 2, 3]))).toThrow(/must match/);
    v.dispose();
  });
});

describe('inside a trace', () => {
  it('assigning is refused by name before anything has happened', () => {
    const v = tf.variable(tf.tensor([1, 2]), true, 'kept');
    const value = tf.tensor([5, 6]);
    binding.trace = trace;
    expect(() => v.assign(value)).toThrow(
      /^tf\.Variable\.assign changes the variable 'kept', which a compiled function cannot do\. Return the new value/,
    );
    binding.trace = null;
    expect([...v.dataSync()]).toEqual([1, 2]);
    expect(value.isDisposed).toBe(false);
    v.dispose();
  });

  it("making one is refused, and so is what tfjs's optimizers do", () => {
    const value = tf.tensor([1]);
    const v = tf.variable(tf.tensor([3]), true, 'trained');
    binding.trace = trace;
    expect(() => tf.variable(value, true, 'never')).toThrow(
      /^tf\.variable makes a variable, .*ldm-core's return new ones/,
    );
    expect(() => tf.train.sgd(0.1).applyGradients({ trained: tf.tensor([1]) })).toThrow(/'trained'/);
    binding.trace = null;
    expect(Object.keys(tf.engine().state.registeredVariables)).toEqual(['trained']);
    v.dispose();
  });
});
