import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { largestDifference, runKernel, waves } from '../../test/support/kernel.js';
import { testWithoutLeaks } from '../../test/support/leak-free.js';
import { compile } from '../index.js';

testWithoutLeaks();

const ATTRS = { beta1: Math.fround(0.9), beta2: Math.fround(0.999) };
const [LR, EPSILON] = [0.05, 1e-3];
type State = Record<'param' | 'm' | 'v', tf.Tensor>;
const begin = (): State => ({ param: waves([3, 4]), m: waves([3, 4], 1), v: tf.square(waves([3, 4], 2)) });
const gradient = (step: number) => waves([3, 4], 10 + step, 3);

/** Parameter and moments after two steps by the formula, in double precision. */
function defined(decay: number): number[][] {
  const { param, m, v } = begin();
  const [p, first, second] = [param, m, v].map((tensor) => Array.from(tensor.dataSync())) as [
    number[],
    number[],
    number[],
  ];
  for (const step of [0, 1]) {
    gradient(step)
      .dataSync()
      .forEach((grad, i) => {
        first[i]! += (grad - first[i]!) * (1 - ATTRS.beta1);
        second[i] = second[i]! * ATTRS.beta2 + grad * grad * (1 - ATTRS.beta2);
        p[i] = p[i]! - decay * p[i]! - (LR * first[i]!) / (Math.sqrt(second[i]!) + EPSILON);
      });
  }
  return [p, first, second];
}

const update = (state: State, grad: tf.Tensor, decay: tf.Tensor): State => {
  const scalars = { lr: tf.scalar(LR), epsilon: tf.scalar(EPSILON), decay };
  const [param, m, v] = runKernel('AdamUpdate', { ...state, grad, ...scalars }, ATTRS);
  return { param: param!, m: m!, v: v! };
};

describe.each([0, 0.01])('two Adam steps with decay %s', (decay) => {
  const expectDefined = ({ param, m, v }: State) => {
    [param, m, v].forEach((tensor, i) => {
      expect(largestDifference(tensor, defined(decay)[i]!)).toBeLessThan(2e-6);
    });
  };

  it('make new tensors where nothing owns the old ones, and keep those', () => {
    const state = begin();
    expectDefined(update(update(state, gradient(0), tf.scalar(decay)), gradient(1), tf.scalar(decay)));
    expect(largestDifference(state.param, begin().param)).toBe(0);
  });

  it('are the same in a function without state', () => {
    const step = compile((state: State, grad: tf.Tensor) => update(state, grad, tf.scalar(decay)));
    expectDefined(step(step(begin(), gradient(0)), gradient(1)));
  });

  it('are the same in place, with the decay fixed or given at each call', () => {
    const fixed = compile((state: State, grad: tf.Tensor) => update(state, grad, tf.scalar(decay)), { state: 0 });
    expectDefined(fixed(fixed(begin(), gradient(0)), gradient(1)));
    const given = compile(update, { state: 0 });
    expectDefined(given(given(begin(), gradient(0), tf.scalar(decay)), gradient(1), tf.scalar(decay)));
  });
});
