import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { compile, profile, useEngine } from '../src/index.js';
import { waves } from './support/kernel.js';

beforeAll(async () => {
  await useEngine({ device: 'cpu' });
});

const GROUPS = 4;
/** Of a mean that is rounded to bfloat16 it would be up to 0.06. */
const SHIFT = 2.5e-3;
const groupNorm = (x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor): tf.Tensor => {
  const attrs = { groups: GROUPS, epsilon: 1e-6, activation: 'none' };
  return tf.engine().runKernel<tf.Tensor[]>('GroupNorm', { x, scale, offset }, attrs)[0]!;
};
/** Behind a convolution, whose result mixed precision leaves in bfloat16. */
const behindConvolution = (x: tf.Tensor4D, w: tf.Tensor4D, scale: tf.Tensor, offset: tf.Tensor): tf.Tensor =>
  groupNorm(tf.conv2d(x, w, 1, 'same'), scale, offset);

/** Two samples, 1021 rows (a prime, that no parts divide) or 1024 of 16 channels. */
const inputs = (width: number): [tf.Tensor4D, tf.Tensor4D, tf.Tensor, tf.Tensor] => {
  const x = tf.add(tf.randomNormal([2, 1, width, 16], 0, 1, 'float32', 5), 10) as tf.Tensor4D;
  return [x, tf.reshape(tf.eye(16), [1, 1, 16, 16]), tf.add(waves([16], 2), 1.5), waves([16], 3)];
};

describe.each([1024, 1021])('group norm in bfloat16 of %d rows', (width) => {
  it('has the statistics of float32, of a mean ten times what varies', async () => {
    const args = inputs(width);
    const rounded = compile((x: tf.Tensor4D) => tf.conv2d(x, args[1], 1, 'same'), { precision: 'bfloat16' });
    // What the norm gets, so that only the norm itself differs.
    const x = (await rounded(args[0])) as tf.Tensor4D;
    const half = compile(behindConvolution, { precision: 'bfloat16' });
    const full = compile(behindConvolution, { precision: 'float32' });
    const [got, wanted] = [await half(x, ...tail(args)), await full(x, ...tail(args))];
    const error = tf.sub(got, wanted);
    // Each number is rounded to 2^-9 of itself; their mean hides a shift of no channel.
    expect(tf.max(tf.abs(tf.div(error, tf.add(1, tf.abs(wanted))))).dataSync()[0]).toBeLessThan(2 ** -8);
    expect(tf.max(tf.abs(tf.mean(error, [1, 2]))).dataSync()[0]).toBeLessThan(SHIFT);
  });
});

it('writes its result in one pass', () => {
  const ops = profile(behindConvolution, inputs(1024), { precision: 'bfloat16' }).map(({ op }) => op);
  expect(ops.filter((op) => op.includes('FusedBatchNorm'))).toHaveLength(2);
});

const tail = ([, ...others]: ReturnType<typeof inputs>) => others;
