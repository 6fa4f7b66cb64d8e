import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, randn, useCpu } from '../../test/support.js';
import type { DenoiseStep } from './denoise.js';
import { type ConditionalDenoise, guided, guidedPair } from './guidance.js';

beforeAll(useCpu);

const step: DenoiseStep = { index: 0, total: 1, call: 0 };
/** eps = x + t + the mean of each sample's condition. */
const model: ConditionalDenoise<tf.Tensor2D> = (x, t, condition) =>
  tf.add(tf.add(x, t), tf.reshape(tf.mean(condition, 1), [-1, 1, 1, 1]));

describe('guided', () => {
  const x = () => randn<tf.Rank.R4>([2, 1, 2, 1], 1);
  const cond = () => tf.tensor2d([1, 1, 2, 2], [2, 2]);
  const uncond = () => tf.tensor2d([5, 5, 7, 7], [2, 2]);
  /** eps_u and eps_c differ by -4 and -5. */
  const wanted = (scale: number) => tf.add(x(), tf.tensor4d([5 - 4 * scale + 3, 7 - 5 * scale + 3], [2, 1, 1, 1]));

  it.each([-1, 0, 0.5, 3, 7.5])('is eps_u + s (eps_c - eps_u) at scale %s', async (scale) => {
    const eps = await guided(model, { cond: cond(), uncond: uncond(), scale })(x(), 3, step);
    expectClose(eps, wanted(scale), 1e-5);
  });

  it('doubles the batch, unconditional half first, in one call', async () => {
    const calls: number[][] = [];
    const seen: ConditionalDenoise<tf.Tensor2D> = (both, t, condition, at) => {
      expect(both.shape).toEqual([4, 1, 2, 1]);
      expect(at).toBe(step);
      calls.push([...condition.dataSync()]);
      return model(both, t, condition, at);
    };
    await guided(seen, { cond: cond(), uncond: uncond(), scale: 2 })(x(), 3, step);
    expect(calls).toEqual([[5, 5, 7, 7, 1, 1, 2, 2]]);
  });

  it('takes a model that holds both conditions already', async () => {
    const both = tf.concat([uncond(), cond()], 0);
    const eps = await guidedPair((doubled, t, at) => model(doubled, t, both, at), 3)(x(), 3, step);
    expectClose(eps, wanted(3), 1e-5);
  });

  it('is the plain model at scale 1 or without an unconditional condition', async () => {
    for (const guidance of [
      { cond: cond(), uncond: uncond() },
      { cond: cond(), scale: 3 },
    ]) {
      const sizes: number[] = [];
      const counted: ConditionalDenoise<tf.Tensor2D> = (at, t, condition, which) => {
        sizes.push(at.shape[0]);
        return model(at, t, condition, which);
      };
      expectClose(await guided(counted, guidance)(x(), 3, step), wanted(1), 1e-5);
      expect(sizes).toEqual([2]);
    }
  });

  it('joins conditions of several names', async () => {
    const both: ConditionalDenoise<{ text: tf.Tensor2D; mask: tf.Tensor2D }> = (at, t, { text, mask }, which) =>
      tf.add(model(at, t, text, which) as tf.Tensor4D, tf.mul(tf.reshape(tf.mean(mask, 1), [-1, 1, 1, 1]), 100));
    const zeros = () => tf.zeros<tf.Rank.R2>([2, 3]);
    const ones = () => tf.ones<tf.Rank.R2>([2, 3]);
    const eps = await guided(both, {
      cond: { text: cond(), mask: ones() },
      // Another order of the names.
      uncond: { mask: zeros(), text: uncond() },
      scale: 2,
    })(x(), 3, step);
    expectClose(eps, tf.add(wanted(2), 200), 1e-4);
  });

  it('frees what it allocates, whichever way the model answers', async () => {
    const [condition, negative, at] = [cond(), uncond(), x()];
    const later: ConditionalDenoise<tf.Tensor2D> = async (...args) => {
      await Promise.resolve();
      return tf.tidy(() => model(...args) as tf.Tensor4D);
    };
    const broken: ConditionalDenoise<tf.Tensor2D> = () => {
      throw new Error('broken');
    };
    const before = tf.memory().numTensors;
    for (const denoise of [model, later]) {
      const eps = await guided(denoise, { cond: condition, uncond: negative, scale: 2 })(at, 3, step);
      eps.dispose();
      expect(tf.memory().numTensors).toBe(before);
    }
    await expect(guided(broken, { cond: condition, uncond: negative, scale: 2 })(at, 3, step)).rejects.toThrow(
      'broken',
    );
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses conditions that do not match, and a scale that is no number', () => {
    const long = tf.zeros<tf.Rank.R2>([2, 9]);
    expect(() => guided(model, { cond: cond(), uncond: long, scale: 2 })).toThrow(
      'uncond is condition [2,9], cond is condition [2,2]; wanted the same shapes',
    );
    expect(() => guided(model, { cond: cond(), scale: Number.NaN })).toThrow('scale is NaN');
  });
});
