/**
 * Convolutions and their gradients, eager and compiled, with results from a part of the memory limit to more than it; what
 * became of each, and of small work after it.
 */
import * as tf from '@tensorflow/tfjs-core';
import { type CompileOptions, compile, type EngineError, useEngine } from '../../src/index.js';

const LIMIT_MIB = 160;
const CHANNELS = 16;
tf.enableProdMode();
await useEngine({ device: 'cpu', memoryLimitMiB: LIMIT_MIB });

type Work = (x: tf.Tensor4D, w: tf.Tensor4D) => tf.Tensor;
/** One image of four channels makes one of sixteen, which is the largest tensor. */
const convolve: Work = (x, w) => tf.sum(tf.conv2d(x, w, 1, 'same'));
/** The gradient of an image, eagerly: tfjs keeps what a gradient has saved when it fails, so one inside would not do. */
const transpose: Work = (x, w) => {
  const [B, H, W] = x.shape;
  return tf.sum(tf.conv2dTranspose(x, tf.transpose(w, [0, 1, 3, 2]) as tf.Tensor4D, [B, H, W, CHANNELS], 1, 'same'));
};
const differentiate: Work = (x, w) =>
  tf.sum(tf.grad((w: tf.Tensor) => tf.sum(tf.square(tf.conv2d(x, w as tf.Tensor4D, 1, 'same'))))(w));
const chain: Work = (x, w) => {
  const wider = tf.conv2d(x, w, 1, 'same') as tf.Tensor4D;
  return tf.sum(tf.conv2d(tf.relu(wider), tf.ones([3, 3, CHANNELS, CHANNELS]), 1, 'same'));
};
const compiled = (work: Work, options: CompileOptions = {}): Work => compile(work, { ...options, cacheSize: 1 });
const forms: Readonly<Record<string, Work>> = {
  'eager convolution': (x, w) => tf.tidy(() => convolve(x, w)),
  'eager gradient': (x, w) => tf.tidy(() => transpose(x, w)),
  'compiled convolution': compiled(convolve),
  'compiled gradient': compiled(differentiate),
  'compiled chain': compiled(chain),
  'bfloat16 chain': compiled(chain, { precision: 'bfloat16' }),
};

const results: { share: number; form: string; outcome: string; after: number }[] = [];
const w = tf.ones([3, 3, 4, CHANNELS]) as tf.Tensor4D;
for (const share of [0.2, 0.3, 0.45, 0.55, 0.72, 0.9, 1.03]) {
  const rows = Math.round((share * LIMIT_MIB * 2 ** 20) / 4 / CHANNELS / 1024);
  for (const [form, work] of Object.entries(forms)) {
    let outcome = 'done';
    let x: tf.Tensor4D | undefined;
    try {
      x = tf.tidy(() => tf.add(tf.zeros([1, rows, 1024, 1]), tf.ones([4]))) as tf.Tensor4D;
      const result = work(x, w);
      try {
        await result.data();
      } finally {
        result.dispose();
      }
    } catch (error) {
      outcome = (error as EngineError).code ?? String(error);
    }
    x?.dispose();
    const after = tf.tidy(() => tf.sum(tf.square(tf.ones([1000]))).dataSync()[0]!);
    results.push({ share, form, outcome, after });
  }
}
console.log(JSON.stringify(results));
