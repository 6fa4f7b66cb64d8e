import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { useCpu } from '../../test/support.js';
import { Params } from './params.js';

beforeAll(useCpu);

const some = () =>
  new Params([
    ['model.a', tf.scalar(1)],
    ['model.b.weight', tf.scalar(2)],
    ['model2.a', tf.scalar(3)],
    ['model', tf.scalar(4)],
  ]);

describe('Params', () => {
  it('finds a declared parameter, or names the one it lacks', () => {
    const params = some();
    expect(params.of({ key: 'model.a' })).toBe(params.get('model.a'));
    expect(() => params.of({ key: 'model.c' })).toThrow("no tensor for 'model.c' (4 keys held)");
  });

  it('selects a path and what is below it, not what only begins alike', () => {
    const params = some();
    expect([...params.under('model').keys()]).toEqual(['model.a', 'model.b.weight', 'model']);
    expect(params.under('')).toBe(params);
    expect(params.under('model').get('model.a')).toBe(params.get('model.a'));
  });

  it('filters, merges and maps without touching the original', () => {
    const params = some();
    expect([...params.filter((key) => key.endsWith('.a')).keys()]).toEqual(['model.a', 'model2.a']);
    const other = tf.scalar(9);
    const merged = params.merge(new Params([['model.a', other]]));
    expect(merged.get('model.a')).toBe(other);
    expect(params.get('model.a')).not.toBe(other);
    expect([...merged.keys()]).toEqual([...params.keys()]);
    const doubled = params.map((tensor, key) => (key === 'model' ? tensor : tf.mul(tensor, 2)));
    expect([...doubled.values()].map((tensor) => tensor.dataSync()[0])).toEqual([2, 4, 6, 4]);
    expect(doubled).toBeInstanceOf(Params);
  });

  it('frees its tensors', () => {
    const before = tf.memory().numTensors;
    some().dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
