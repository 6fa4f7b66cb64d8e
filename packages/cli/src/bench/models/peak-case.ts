import { compile } from '@codiff/engine';
import * as tf from '@tensorflow/tfjs-core';
import type { BenchCase, BenchSpec } from '../case.js';
import { formulaImage, formulaInput } from './inputs.js';

/** The machine's peaks, by which the share of a model is judged. */
export const PEAKS = ['peak-convolution', 'peak-matmul'] as const;

const LAYERS = 4;
/** A convolution as the UNet has most of, and a product that fills the caches. */
const CONVOLUTION = { side: 64, channels: 384 };
const WIDTH = 2048;

/** A chain of equal layers whose arithmetic is all there is. */
export function peakCase({ name, precision }: BenchSpec): BenchCase {
  const { y, flops } = name === 'peak-convolution' ? convolutions() : products();
  const run = compile(y, { name, precision });
  return {
    flops: LAYERS * flops,
    run: async (called) => {
      const result = run();
      called();
      await result.data();
      result.dispose();
    },
  };
}

function convolutions() {
  const { side, channels: C } = CONVOLUTION;
  const x = formulaImage('x', [1, side, side, C]);
  const filter = tf.tidy(() => tf.mul(formulaInput('w', [3, 3, C, C]), 1 / Math.sqrt(9 * C))) as tf.Tensor4D;
  const y = (): tf.Tensor => {
    let h = x;
    for (let i = 0; i < LAYERS; i++) h = tf.conv2d(h, filter, 1, 'same');
    return tf.sum(h);
  };
  return { y, flops: 2 * side * side * 9 * C * C };
}

function products() {
  const a = tf.tidy(() => tf.mul(formulaInput('a', [WIDTH, WIDTH]), 1 / Math.sqrt(WIDTH))) as tf.Tensor2D;
  const y = (): tf.Tensor => {
    let h: tf.Tensor2D = a;
    for (let i = 0; i < LAYERS; i++) h = tf.matMul(h, a);
    return tf.sum(h);
  };
  return { y, flops: 2 * WIDTH ** 3 };
}
