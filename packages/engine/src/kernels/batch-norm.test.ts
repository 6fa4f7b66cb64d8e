import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { largestDifference, waves } from '../../test/support/kernel.js';
import { testWithoutLeaks } from '../../test/support/leak-free.js';
import { compile } from '../compile/index.js';
import { profile } from '../compile/profile.js';
import { scaleAndShift } from './batch-norm.js';

testWithoutLeaks();

const inputsOf = (N: number, C: number): [tf.Tensor2D, tf.Tensor1D, tf.Tensor1D] => [
  waves([N, C], 0, 5) as tf.Tensor2D,
  tf.add(waves([C], 1), 1.5) as tf.Tensor1D,
  waves([C], 2, 3) as tf.Tensor1D,
];
const wantedOf = (...[x, a, b]: ReturnType<typeof inputsOf>): number[] => {
  const [values, scale, shift] = [x.dataSync(), a.dataSync(), b.dataSync()];
  return Array.from(values, (value, i) => value * scale[i % scale.length]! + shift[i % shift.length]!);
};

describe('scaleAndShift', () => {
  it.each([
    [6, 4],
    [1, 7],
    [5, 1],
    [1, 1],
  ])('of [%i,%i] is x a + b, at once and in a function', (N, C) => {
    const inputs = inputsOf(N, C);
    const compiled = compile(scaleAndShift);
    for (const y of [scaleAndShift(...inputs), compiled(...inputs)]) {
      expect(y.shape).toEqual([N, C]);
      expect(largestDifference(y, wantedOf(...inputs))).toBeLessThan(2e-6);
    }
    compiled.dispose();
  });

  it('adds in float32 where x is bfloat16', () => {
    // 256.5 is no number of bfloat16: a factor and a shift that were rounded first would give 256 - 256 = 0.
    const compiled = compile((x: tf.Tensor2D, a: tf.Tensor1D, b: tf.Tensor1D) => scaleAndShift(x, a, b), {
      precision: 'bfloat16',
    });
    const y = compiled(tf.ones([3, 8]), tf.fill([8], 256.5), tf.fill([8], -256));
    expect(largestDifference(y, tf.fill([3, 8], 0.5))).toBe(0);
    compiled.dispose();
  });

  it('is one pass', () => {
    const names = profile(scaleAndShift, inputsOf(32, 16)).map(({ op }) => op);
    expect(names.filter((name) => name.includes('FusedBatchNorm'))).toHaveLength(1);
    expect(names.filter((name) => /Mul|Add/.test(name))).toEqual([]);
  });
});
