import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { testWithoutLeaks } from '../../test/support/leak-free.js';
import { thrownBy } from '../../test/support/start-engine.js';
import type { Capture } from '../backend.js';
import { currentEngine } from '../engine.js';
import { CapturedHandles } from './captured-handles.js';
import { compile } from './index.js';

testWithoutLeaks();

const capturesOf = (sources: readonly Capture['source'][]): Capture[] =>
  sources.map((source) => ({ source, tensors: [], storedAs: undefined }));
const get = (captured: CapturedHandles) => captured.get(currentEngine(), 'step');

describe('CapturedHandles', () => {
  it('are looked up once while nothing changes, other tensors aside', () => {
    const captured = new CapturedHandles(capturesOf([tf.tensor1d([1, 2]), tf.scalar(3)]));
    const handles = get(captured)!;
    expect(handles).toHaveLength(2);
    expect(new Set(handles).size).toBe(2);
    tf.scalar(4).dispose();
    expect(get(captured)).toBe(handles);
  });

  it('are looked up again once a variable is assigned to', () => {
    const variable = tf.variable(tf.scalar(1));
    const captured = new CapturedHandles(capturesOf([variable]));
    const handles = get(captured)!;
    variable.assign(tf.scalar(2));
    const after = get(captured)!;
    expect(after).not.toBe(handles);
    expect([...after]).not.toEqual([...handles]);
    variable.dispose();
  });

  it('are none where a value has to be read first', () => {
    const step = compile((state: tf.Tensor) => tf.add(state, 1), { state: 0, name: 'count' });
    const state = step(tf.tensor1d([0]));
    expect(get(new CapturedHandles(capturesOf([tf.scalar(1), state])))).toBeNull();
    step.dispose();
  });

  it('refuse what was disposed, a variable too', () => {
    const [tensor, variable] = [tf.tensor1d([1]), tf.variable(tf.tensor1d([1, 2]))];
    for (const [source, shape] of [
      [tensor, '1'],
      [variable, '2'],
    ] as const) {
      const captured = new CapturedHandles(capturesOf([source]));
      get(captured);
      source.dispose();
      expect(thrownBy(() => get(captured)).message).toContain(
        `compile 'step': a tensor [${shape}] that the function uses from outside was disposed`,
      );
    }
  });
});
