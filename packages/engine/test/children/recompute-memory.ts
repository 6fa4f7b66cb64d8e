/**
 * Activation memory, gradients and their repeatability of a chain of 16 blocks. Arguments: 'plain' or 'checkpointed';
 * 'compiled' or 'eager', each in a process of its own, since only the first peak of a process can be measured.
 */
import { createHash } from 'node:crypto';
import { checkpoint, Params, Rng } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { compile, useEngine } from '../../src/index.js';

tf.enableProdMode();
await useEngine({ device: 'cpu', deterministic: true });
const [, , form, mode] = process.argv;
const checkpointed = form === 'checkpointed';

const [BLOCKS, CHANNELS, SIZE] = [16, 64, 96];
const rng = Rng.of(1);
const weights = new Params(
  Array.from({ length: 2 * BLOCKS }, (_, i) => [
    `${i >> 1}.${i % 2 === 0 ? 'a' : 'b'}`,
    tf.tidy(() => tf.mul(rng.split(i).normal([3, 3, CHANNELS, CHANNELS]), 0.04)),
  ]),
);
const x = rng.split('x').normal([2, SIZE, SIZE, CHANNELS]) as tf.Tensor4D;

const silu = (y: tf.Tensor4D): tf.Tensor4D => tf.mul(y, tf.sigmoid(y));
const block = (p: Params, y: tf.Tensor): tf.Tensor4D => {
  const [a, b] = [...p.values()] as [tf.Tensor4D, tf.Tensor4D];
  const h = tf.conv2d(silu(y as tf.Tensor4D), a, 1, 'same');
  return tf.add(y as tf.Tensor4D, tf.conv2d(silu(h), b, 1, 'same'));
};
function chain(p: Params, input: tf.Tensor4D): tf.Scalar {
  let h = input;
  for (let i = 0; i < BLOCKS; i++) {
    const own = p.under(String(i)) as Params;
    h = checkpointed ? checkpoint(block, own, h) : block(own, h);
  }
  return tf.mean(tf.square(h));
}
const keys = [...weights.keys()];
const gradients = (p: Params, input: tf.Tensor4D): tf.Tensor[] =>
  tf.grads((...w: tf.Tensor[]) => chain(new Params(keys.map((key, i) => [key, w[i]!])), input))([...p.values()]);

async function valuesOf(tensors: tf.Tensor[]): Promise<Float32Array[]> {
  const values = await Promise.all(tensors.map((tensor) => tensor.data<'float32'>()));
  tf.dispose(tensors);
  return values;
}
/** Of all bits of all values, so that runs in different processes compare. */
function hashOf(values: readonly Float32Array[]): string {
  const hash = createHash('sha256');
  for (const { buffer, byteOffset, byteLength } of values) hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  return hash.digest('hex');
}
/** Everything as text: the other process compares it number by number. */
const textOf = (values: readonly Float32Array[]): string[] =>
  values.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength).toString('base64'));

// Code and kernels are loaded by a small run of the same function, so that what follows is activations.
const compiled = compile(gradients);
const eager = (p: Params, input: tf.Tensor4D): tf.Tensor[] => tf.tidy(() => gradients(p, input));
const run = mode === 'eager' ? eager : compiled;
await valuesOf(run(weights, tf.zeros([1, 8, 8, CHANNELS])));
const base = process.resourceUsage().maxRSS;
const first = await valuesOf(run(weights, x));
const peakMiB = (process.resourceUsage().maxRSS - base) / 1024;
const second = await valuesOf(run(weights, x));
console.log(JSON.stringify({ peakMiB, hashes: [hashOf(first), hashOf(second)], gradients: textOf(first) }));
