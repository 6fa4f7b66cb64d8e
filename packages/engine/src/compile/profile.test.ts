import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { testWithoutLeaks } from '../../test/support/leak-free.js';
import { valuesOf } from '../../test/support/start-engine.js';
import { narrow } from '../narrow.js';
import { profile } from './profile.js';

testWithoutLeaks();

const weights = () =>
  new Map<string, tf.Tensor>([
    ['first.conv.weight', tf.fill([3, 3, 8, 16], 0.1)],
    ['first.conv.bias', tf.ones([16])],
    ['second.weight', tf.fill([16, 4], 0.1)],
  ]);
const forward = (p: ReadonlyMap<string, tf.Tensor>, x: tf.Tensor4D): tf.Tensor => {
  const h = tf.conv2d(x, p.get('first.conv.weight') as tf.Tensor4D, 1, 'same');
  const flat = tf.reshape(tf.relu(tf.add(h, p.get('first.conv.bias')!)), [-1, 16]) as tf.Tensor2D;
  return tf.softmax(tf.matMul(flat, p.get('second.weight') as tf.Tensor2D));
};

describe('profile', () => {
  it('tells the time and the bytes of each operation as it was optimised, and where it stands', () => {
    const p = weights();
    const [x, offset] = [tf.ones([1, 32, 32, 8]) as tf.Tensor4D, tf.scalar(2)];
    const ops = profile((q: typeof p, y: tf.Tensor4D) => tf.mul(forward(q, y), offset), [p, x]);
    const find = (pattern: RegExp) => ops.filter(({ op }) => pattern.test(op));
    const [convolution] = find(/Conv2D/);
    // Image in, 8 channels; filter; bias; out, 16 channels.
    expect(convolution!.bytes).toBeGreaterThanOrEqual(4 * (1024 * 8 + 9 * 8 * 16 + 1024 * 16));
    expect(convolution!.bytes).toBeLessThanOrEqual(4 * (1024 * 8 + 9 * 8 * 16 + 16 + 1024 * 16) + 64);
    expect(convolution!.where).toBe('first.conv');
    expect(find(/MatMul/)[0]!.where).toBe('second');
    expect(find(/Softmax/)[0]!.where).toBe('after second');
    for (const { seconds } of ops) expect(seconds).toBeGreaterThanOrEqual(0);
    expect(convolution!.seconds).toBeGreaterThan(0);
    tf.dispose([x, offset, ...p.values()]);
  });

  it('profiles a step without consuming its state', () => {
    const state = weights();
    const x = tf.ones([1, 16, 16, 8]) as tf.Tensor4D;
    const step = (s: typeof state, y: tf.Tensor4D): [typeof state, tf.Scalar] => {
      const keys = [...s.keys()];
      const loss = (...w: tf.Tensor[]) => tf.sum(forward(new Map(keys.map((key, i) => [key, w[i]!])), y)) as tf.Scalar;
      const { value, grads } = tf.valueAndGrads(loss)([...s.values()]);
      return [new Map(keys.map((key, i) => [key, tf.sub(s.get(key)!, grads[i]!)])), value];
    };
    const before = valuesOf(state.get('second.weight')!);
    const ops = profile(step, [state, x], { state: 0, precision: 'bfloat16' });
    const gradient = ops.find(({ op }) => op.includes('Conv2DBackpropFilter'))!;
    expect(gradient.where).toBe('first.conv');
    expect(ops.filter(({ op }) => op === 'AssignVariableOp')).toHaveLength(3);
    expect(valuesOf(state.get('second.weight')!)).toEqual(before);
    tf.dispose([x, ...state.values()]);
  });

  it('takes weights that are stored in two bytes as they are', () => {
    const wide = tf.fill([64, 64], 0.1) as tf.Tensor2D;
    const [w, x] = [narrow(wide, 'bfloat16'), tf.ones([64, 64]) as tf.Tensor2D];
    const ops = profile((y: tf.Tensor2D, v: tf.Tensor2D) => tf.matMul(y, v), [x, w], { precision: 'bfloat16' });
    const product = ops.find(({ op }) => op.includes('MatMul'))!;
    expect(product.bytes).toBe(3 * 2 * 64 * 64);
    tf.dispose([wide, w, x]);
  });
});
