/** Hashes of 18 runs of one traced training step of convolutions and matrix products. */
import { createHash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs-core';
import '@codiff/ldm-core';
import { compile, useEngine } from '../../src/index.js';

tf.enableProdMode();
const { deterministic } = await useEngine({ device: 'cpu', deterministic: true });

const filled = (shape: number[]) => {
  const size = shape.reduce((product, length) => product * length, 1);
  return tf.div(tf.reshape(tf.sin(tf.range(0, size)), shape), 10);
};
const weights = [filled([3, 3, 16, 32]), filled([3, 3, 32, 32]), filled([32, 32])];
const x = filled([2, 24, 24, 16]) as tf.Tensor4D;

const step = compile((weights: tf.Tensor[], x: tf.Tensor4D) => {
  const loss = (...[w1, w2, w3]: tf.Tensor[]): tf.Scalar => {
    const h = tf.relu(tf.conv2d(x, w1 as tf.Tensor4D, 1, 'same'));
    const y = tf.add(h, tf.conv2d(h, w2 as tf.Tensor4D, 1, 'same'));
    const tokens = tf.reshape(y, [2, 24 * 24, 32]);
    const mixed = tf.matMul(tf.softmax(tf.matMul(tokens, tokens, false, true)), tokens);
    return tf.mean(tf.square(tf.matMul(tf.reshape(mixed, [-1, 32]), w3 as tf.Tensor2D)));
  };
  const { value, grads } = tf.valueAndGrads(loss)(weights);
  return [value, ...weights.map((w, i) => tf.sub(w, tf.mul(grads[i]!, 0.1)))];
});

const hashes = new Set<string>();
for (let run = 0; run < 18; run++) {
  const hash = createHash('sha256');
  for (const tensor of step(weights, x)) hash.update(new Uint8Array((await tensor.data()).buffer));
  hashes.add(hash.digest('hex'));
}
console.log(JSON.stringify({ deterministic, hashes: [...hashes] }));
