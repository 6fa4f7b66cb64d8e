import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { EngineError } from '../errors.js';
import { findState } from './state.js';
import { takeApart } from './structure.js';

beforeAll(async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
});

const find = (state: unknown, result: unknown) =>
  findState('train', takeApart(state, 'args[0]'), result, takeApart(result, 'result'));
const pair = () => ({ w: tf.zeros([2, 3]), m: tf.zeros([3]) });

describe('findState', () => {
  it('finds the state as the result itself', () => {
    const next = pair();
    expect(find(pair(), next)).toEqual({ tensors: [next.w, next.m], indexOf: [0, 1] });
  });

  it('finds it as a member of an array, an object or a Map, and tells its tensors from the others', () => {
    const [next, loss] = [pair(), tf.scalar(1)];
    expect(find(pair(), [loss, next])).toEqual({ tensors: [next.w, next.m], indexOf: [-1, 0, 1] });
    expect(find(pair(), { state: next, loss }).indexOf).toEqual([0, 1, -1]);
    expect(
      find(
        pair(),
        new Map<string, unknown>([
          ['loss', loss],
          ['next', next],
        ]),
      ).indexOf,
    ).toEqual([-1, 0, 1]);
  });

  it('takes one tensor, and a state without any', () => {
    const w = tf.zeros([2]);
    expect(find(tf.ones([2]), w)).toEqual({ tensors: [w], indexOf: [0] });
    expect(find([], [tf.scalar(1), []])).toEqual({ tensors: [], indexOf: [-1] });
  });

  it('takes the first of two that fit', () => {
    const [a, b] = [tf.zeros([2]), tf.zeros([2])];
    expect(find(tf.ones([2]), [a, b])).toEqual({ tensors: [a], indexOf: [0, -1] });
  });

  it('knows a state that comes back with a tensor returned beside it, too', () => {
    const next = pair();
    expect(find(pair(), { next, w: next.w }).indexOf).toEqual([0, 1, 0]);
  });

  it.each([
    ['another shape', () => ({ w: tf.zeros([3, 2]), m: tf.zeros([3]) })],
    ['another type', () => ({ w: tf.zeros([2, 3], 'int32'), m: tf.zeros([3]) })],
    ['another nesting', () => [tf.zeros([2, 3]), tf.zeros([3])]],
    ['it two levels deep', () => ({ results: { state: pair() } })],
    ['none at all', () => undefined],
  ])('refuses a result with %s, and says what to return', (_, result) => {
    expect(() => find(pair(), result())).toThrow(EngineError);
    expect(() => find(pair(), result())).toThrow(
      /^compile 'train': the result holds no new state; return the state, or an array or object one member of which/,
    );
  });

  it('refuses one tensor in two places', () => {
    const w = tf.zeros([2]);
    expect(() => find({ a: tf.ones([2]), b: tf.ones([2]) }, { a: w, b: w })).toThrow(
      "compile 'train': the new state holds one tensor twice; give each entry its own",
    );
  });
});
