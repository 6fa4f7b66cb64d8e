import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { testWithoutLeaks } from '../../test/support/leak-free.js';
import { valuesOf } from '../../test/support/start-engine.js';
import { currentEngine } from '../engine.js';
import { compile } from './index.js';
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

it('steps keep nothing of the steps before them', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const step = compile((state: tf.Tensor) => tf.add(state, 1), { name: 'step', state: 0 });
  const consumed: WeakRef<tf.Tensor>[] = [];
  // The scope of this test would know them all.
  tf.engine().endScope();
  let state = made(0);
  for (let i = 0; i < 8; i++) {
    consumed.push(new WeakRef(state));
    state = step(state);
  }
  expect(valuesOf(state)).toEqual([8]);
  // References count as used until the turn of the event loop ends.
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  expect(consumed.slice(0, 6).filter((tensor) => tensor.deref() !== undefined)).toHaveLength(0);
  state.dispose();
  step.dispose();
  tf.engine().startScope();
});
