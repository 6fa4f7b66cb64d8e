import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { expectClose, randn, useCpu } from '../../test/support.js';
import { Params } from '../nn/params.js';
import { disposeReplaced } from '../nn/tensor-tree.js';
import { emaName, emaUpdate, initEma } from './ema.js';

beforeAll(useCpu);

describe('emaUpdate', () => {
  it('lets the decay grow with the number of updates', () => {
    const start = new Params([['w', tf.tensor1d([1, -2])]]);
    const weights = Array.from({ length: 30 }, (_, i) => randn([2], i));
    let state = initEma(start);
    const wanted = [1, -2];
    weights.forEach((w, i) => {
      state = emaUpdate(state, new Params([['w', w]]), 0.7);
      const n = i + 1;
      const rate = 1 - Math.min(0.7, (1 + n) / (10 + n)); // 0.7 from n = 20 on
      w.dataSync().forEach((value: number, j: number) => {
        wanted[j] = wanted[j]! - rate * (wanted[j]! - value);
      });
      expectClose(state.shadow.get('w')!, wanted, 1e-6);
    });
    expectClose(state.numUpdates, [30], 0);
    expect(state.numUpdates.dtype).toBe('int32');
  });

  it('starts with decay 2/11', () => {
    const state = emaUpdate(initEma(new Params([['w', tf.tensor1d([11])]])), new Params([['w', tf.tensor1d([0])]]));
    expectClose(state.shadow.get('w')!, [2], 1e-6);
  });

  it('keeps the decay constant if updates are not counted', () => {
    const p = new Params([['w', tf.tensor1d([1])]]);
    let state = initEma(p, { useNumUpdates: false });
    for (let i = 0; i < 3; i++) state = emaUpdate(state, new Params([['w', tf.tensor1d([0])]]), 0.5);
    expectClose(state.shadow.get('w')!, [0.125], 1e-7);
    expectClose(state.numUpdates, [-1], 0);
  });

  it('owns copies, ignores other keys and leaves only the new state', () => {
    const params = new Params([['w', tf.ones([2])]]);
    const state = initEma(params);
    params.dispose();
    expectClose(state.shadow.get('w')!, [1, 1], 0);
    const next = new Params([
      ['w', tf.zeros([2])],
      ['other', tf.zeros([2])],
    ]);
    const before = tf.memory().numTensors;
    const updated = emaUpdate(state, next);
    expect([...updated.shadow.keys()]).toEqual(['w']);
    expect(tf.memory().numTensors).toBe(before + 2);
    disposeReplaced(state, updated);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('names a weight that is missing', () => {
    expect(() => emaUpdate(initEma(new Params([['a.b', tf.ones([1])]])), new Params())).toThrow("'a.b'");
  });
});

describe('emaName', () => {
  it('drops the dots', () => {
    expect(emaName('diffusion_model.time_embed.0.weight')).toBe('diffusion_modeltime_embed0weight');
  });
});

describe('on a backend with EmaUpdate', () => {
  afterEach(() => tf.unregisterKernel('EmaUpdate', 'cpu'));

  it('hands it shadow, value and rate', () => {
    const calls: unknown[] = [];
    tf.registerKernel({
      kernelName: 'EmaUpdate',
      backendName: 'cpu',
      kernelFunc: ({ inputs }) => {
        calls.push(Object.entries(inputs).map(([name, x]) => [name, (x as tf.Tensor).dataSync()[0]]));
        return [tf.scalar(5)];
      },
    });
    const state = emaUpdate(initEma(new Params([['w', tf.scalar(3)]])), new Params([['w', tf.scalar(4)]]), 0);
    expect(calls).toEqual([
      [
        ['shadow', 3],
        ['value', 4],
        ['rate', 1],
      ],
    ]);
    expectClose(state.shadow.get('w')!, [5], 0);
  });
});
