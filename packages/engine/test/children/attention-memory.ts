/**
 * Memory that one pass of attention takes beyond its inputs and outputs. Arguments: 'forward' or 'gradient'; 'compiled' or
 * 'eager', each in a process of its own, since only the first peak of a process can be measured.
 */
import { attention } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { compile, useEngine } from '../../src/index.js';

tf.enableProdMode();
await useEngine({ device: 'cpu' });
const [, , pass, mode] = process.argv;

/** All logits of [2,8,2304,2304]: 324 MiB. The queries, keys and values have 4.5 MiB each. */
const [B, HEADS, TOKENS, WIDTH] = [2, 8, 2304, 256];
const logitsMiB = (B * HEADS * TOKENS * TOKENS * 4) / 2 ** 20;
const inputs = (tokens: number): tf.Tensor3D[] =>
  [0, 1, 2].map((phase) => {
    const shape: [number, number, number] = [B, tokens, WIDTH];
    return tf.tidy(() => tf.sin(tf.reshape(tf.range(phase, phase + B * tokens * WIDTH), shape)));
  });

const forward = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor): tf.Tensor =>
  attention(q as tf.Tensor3D, k as tf.Tensor3D, v as tf.Tensor3D, { heads: HEADS, scale: (WIDTH / HEADS) ** -0.5 });
const gradient = (...qkv: tf.Tensor[]): tf.Tensor[] =>
  tf.grads((...[q, k, v]: tf.Tensor[]) => tf.sum(tf.square(forward(q!, k!, v!))))(qkv);
const fn = (qkv: tf.Tensor3D[]): tf.Tensor[] =>
  pass === 'gradient' ? gradient(...qkv) : [forward(...(qkv as [tf.Tensor, tf.Tensor, tf.Tensor]))];
const run = mode === 'compiled' ? compile(fn) : (qkv: tf.Tensor3D[]) => tf.tidy(() => fn(qkv));

async function settle(qkv: tf.Tensor3D[]): Promise<number[]> {
  const results = run(qkv);
  const values = await Promise.all(results.map((tensor) => tensor.data<'float32'>()));
  tf.dispose(results);
  return values.map((array) => array.reduce((sum, value) => sum + Math.abs(value), 0));
}

// Code and kernels are loaded by a small run, so that what follows is tensors.
await settle(inputs(32));
const qkv = inputs(TOKENS);
await Promise.all(qkv.map((tensor) => tensor.data<'float32'>()));
const base = process.resourceUsage().maxRSS;
const sums = await settle(qkv);
const peakMiB = (process.resourceUsage().maxRSS - base) / 1024;
console.log(JSON.stringify({ logitsMiB, peakMiB, sums }));
