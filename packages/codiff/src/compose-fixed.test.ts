import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, expectFlat, expectTensors, flat, randn, useCpu } from '../test/support.js';
import { composeFixed } from './compose-fixed.js';

beforeAll(useCpu);

const says = (tensor: tf.Tensor4D) => () => tf.clone(tensor);
const t = () => tf.tensor1d([7], 'int32');

describe('a mix of fixed weights', () => {
  it('is Composable Diffusion where the remainder is unconditional', () => {
    const [none, text, mask] = [1, 2, 3].map((seed) => randn<tf.Rank.R4>([1, 2, 2, 3], seed));
    const mix = composeFixed([
      { name: 'unconditional', remainder: true, eps: says(none!) },
      { name: 'text', weight: 1.5, eps: says(text!) },
      { name: 'seg_mask', weight: 0.75, eps: says(mask!) },
    ]);
    const wanted = tf.addN([none!, tf.mul(tf.sub(text!, none!), 1.5), tf.mul(tf.sub(mask!, none!), 0.75)]);
    expectClose(mix(flat(0, 3), t()).eps, wanted, 1e-5);
  });

  it('reports its weights as maps, like a collaboration', () => {
    const { influence, branches } = composeFixed([
      { name: 'seg_mask', weight: 0.7, eps: says(flat(1, 3)) },
      { name: 'text', remainder: true, eps: says(flat(2, 3)) },
    ])(flat(0, 3), t());
    expect(influence.seg_mask!.shape).toEqual([1, 2, 2, 1]);
    expectFlat(influence.seg_mask, 0.7);
    expectFlat(influence.text, 0.3);
    expectFlat(branches.text, 2);
  });

  it('takes a weight as a tensor, so that a compiled mix need not be made again', async () => {
    const [one, two] = [flat(1, 3), flat(2, 3)];
    const mixBy = (weight: tf.Scalar) =>
      composeFixed([
        { name: 'seg_mask', weight, eps: says(one) },
        { name: 'text', remainder: true, eps: says(two) },
      ]);
    const weight = tf.scalar(0.7);
    const { eps, influence } = mixBy(weight)(flat(0, 3), t());
    expectFlat(influence.seg_mask, 0.7);
    expectFlat(influence.text, 0.3);
    expectFlat(eps, 1.3);
    const [x, at] = [flat(0, 3), t()];
    await expectTensors(5, () => mixBy(weight)(x, at));
    expect(() => mixBy(tf.tensor1d([0.5, 0.5]) as tf.Tensor as tf.Scalar)).toThrow(/weight of 'seg_mask' is \[2\]/);
  });

  it('leaves nothing behind but what it returns', async () => {
    const [x, one, two, at] = [flat(0, 3), flat(1, 3), flat(2, 3), t()] as const;
    const mix = composeFixed([
      { name: 'a', weight: 0.5, eps: says(one) },
      { name: 'b', remainder: true, eps: says(two) },
    ]);
    await expectTensors(5, () => mix(x, at));
  });

  it('refuses a missing weight, and one of the remainder', () => {
    const eps = says(flat(1));
    const text = { name: 'text', remainder: true, eps };
    expect(() => composeFixed([{ name: 'seg_mask', eps }, text])).toThrow(/weight of 'seg_mask' is undefined/);
    expect(() =>
      composeFixed([
        { name: 'seg_mask', eps, weight: 1 },
        { ...text, weight: 1 },
      ]),
    ).toThrow(/gets what the/);
    expect(() => composeFixed([{ name: 'seg_mask', eps, weight: 1 }])).toThrow(/remainder is none/);
  });
});
