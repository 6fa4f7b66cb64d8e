/** Starts a compiled call of about a minute, says so, and waits for it. */
import * as tf from '@tensorflow/tfjs-core';
import { compile, useEngine } from '../../src/index.js';

tf.enableProdMode();
await useEngine({ device: 'cpu' });
process.on('SIGINT', () => {
  console.log('interrupted');
  process.exit(130);
});
const long = compile((x: tf.Tensor2D) => {
  let y = x;
  for (let i = 0; i < 600; i++) y = tf.matMul(y, x);
  return y;
});
const result = long(tf.fill([2000, 2000], 0.0005) as tf.Tensor2D);
console.log('running');
await result.data();
console.log('finished');
