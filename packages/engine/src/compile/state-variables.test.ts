import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { testWithoutLeaks } from '../../test/support/leak-free.js';
import { valuesOf } from '../../test/support/start-engine.js';
import { currentEngine } from '../engine.js';
import { openState, refuseSharing } from './state-variables.js';

testWithoutLeaks();

const held = () => {
  const { binding } = currentEngine();
  return [binding.runtime.handles, binding.slots.size];
};
/** A tensor in TensorFlow's memory, not in JavaScript's. */
const made = (...values: number[]) => tf.tidy(() => tf.neg(tf.neg(tf.tensor(values))));

describe('openState', () => {
  it('makes a variable of each tensor, which keeps its value if there is no call after all', () => {
    const [a, b] = [made(1, 2), made(3)];
    const before = held();
    const state = openState(currentEngine(), 'step', [a, b]);
    expect(state.resources).toHaveLength(2);
    state.giveUp();
    expect([valuesOf(a), valuesOf(b)]).toEqual([[1, 2], [3]]);
    tf.dispose([a, b]);
    expect(held()).toEqual(before.map((count) => count - 2));
  });

  it('gives the variables to new tensors after the call, and the old ones are consumed', () => {
    const { binding } = currentEngine();
    const before = held();
    const a = made(1, 2);
    const state = openState(currentEngine(), 'step', [a]);
    const token = binding.execute('Identity', [{ name: 'T', type: 4, value: 1 }], [state.written.handle], 1)[0]!;
    const [next] = state.handOver(token, { op: 'step', device: 'cpu', inputShapes: [[2]] });
    expect(valuesOf(next!)).toEqual([1, 2]);
    expect(() => tf.neg(a)).toThrow(/was consumed by the compiled step 'step'.*use the state that it returned/);
    next!.dispose();
    expect(held()).toEqual(before);
  });

  it('copies what a clone shares, so that the clone keeps its value', () => {
    const a = made(1, 2);
    const clone = tf.clone(a);
    const before = held();
    const state = openState(currentEngine(), 'step', [a]);
    expect(currentEngine().backend.variableOf(a)).toBeNull();
    state.giveUp();
    expect([valuesOf(a), valuesOf(clone)]).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(held()).toEqual(before);
  });

  it('takes a state without tensors', () => {
    const before = held();
    const state = openState(currentEngine(), 'step', []);
    expect(state.resources).toEqual([]);
    state.giveUp();
    expect(held()).toEqual(before);
  });
});

describe('refuseSharing', () => {
  const [w, x] = [() => tf.tensor([1, 2]), () => tf.scalar(3)];

  it('lets state and arguments of their own pass, which may share among themselves', () => {
    const shared = x();
    expect(() => refuseSharing('step', [[shared], [w(), w()], [shared]], 1)).not.toThrow();
  });

  it('refuses one tensor twice in the state, clones included', () => {
    const tensor = w();
    const twice = "compile 'step': the state holds one tensor [2] twice";
    expect(() => refuseSharing('step', [[tensor, tensor]], 0)).toThrow(twice);
    expect(() => refuseSharing('step', [[tf.clone(tensor), tensor]], 0)).toThrow(twice);
  });

  it('refuses an argument that shares with the state, by its position', () => {
    const tensor = w();
    expect(() => refuseSharing('step', [[tensor], [x()], [x(), tf.clone(tensor)]], 0)).toThrow(
      "compile 'step': args[2] shares a tensor [2] with the state, which is updated in place",
    );
  });

  it('refuses variables by name', () => {
    const variable = tf.variable(w(), true, 'kernel');
    expect(() => refuseSharing('step', [[variable]], 0)).toThrow(
      "compile 'step': the state holds the tf.Variable 'kernel'; state is consumed and returned anew, so pass plain tensors",
    );
    variable.dispose();
  });
});
