import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { testWithoutLeaks } from '../../test/support/leak-free.js';
import { valuesOf } from '../../test/support/start-engine.js';
import { compile } from '../index.js';
import { FLOAT } from './ops.js';
import { inPlace } from './state.js';

testWithoutLeaks();

type State = { a: tf.Tensor; b: tf.Tensor };
const state = (): State => ({ a: tf.tensor([1, 2]), b: tf.tensor([30, 40]) });
const DTYPE = [{ ...FLOAT, name: 'dtype' }];

/** Whether an update in place was possible, asked inside a step with state. */
function possible(which: (state: State) => tf.Tensor[]): boolean {
  let answer = false;
  const step = compile(
    (s: State) => {
      answer = inPlace(which(s)) !== null;
      return s;
    },
    { state: 0 },
  );
  step(state());
  return answer;
}

describe('inPlace', () => {
  it('is for the present values of state, and only inside a step', () => {
    expect(possible(({ a }) => [a])).toBe(true);
    expect(possible(({ a, b }) => [b, a])).toBe(true);
    expect(inPlace([tf.scalar(1)])).toBeNull();
  });

  it('is not for what was computed, for clones aside of it, or for one value twice', () => {
    expect(possible(({ a }) => [tf.add(a, 1)])).toBe(false);
    expect(possible(({ a, b }) => [a, tf.neg(b)])).toBe(false);
    expect(possible(({ a }) => [a, a])).toBe(false);
    expect(possible(() => [tf.scalar(1)])).toBe(false);
  });

  it('updates one variable after the other, reads the new values, and is over for the old ones', () => {
    const seen: boolean[] = [];
    const step = compile(
      ({ a, b }: State, x: tf.Tensor) => {
        const place = inPlace([a, b])!;
        for (const variable of place.variables)
          place.inTurn(() => place.trace.update('AssignAddVariableOp', DTYPE, [variable, place.output(x)]));
        seen.push(inPlace([a]) === null);
        const [a2, b2] = place.variables.map(place.read) as [tf.Tensor, tf.Tensor];
        seen.push(inPlace([a2, b2]) !== null);
        return { state: { a: a2, b: b2 }, old: tf.add(a, 0) };
      },
      { state: 0 },
    );
    const { state: next, old } = step(state(), tf.tensor([100, 200]));
    expect([next.a, next.b, old].map(valuesOf)).toEqual([
      [101, 202],
      [130, 240],
      [1, 2],
    ]);
    expect(seen).toEqual([true, true]);
  });
});
