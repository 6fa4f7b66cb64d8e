/** Ends in the way its argument says, with a call of some seconds under way. */
import * as tf from '@tensorflow/tfjs-core';
import { compile, useEngine } from '../../src/index.js';

tf.enableProdMode();
await useEngine({ device: 'cpu' });
process.on('exit', (code) => console.log(`exit handler ${code}`));
const call = compile((x: tf.Tensor2D) => {
  let y = x;
  for (let i = 0; i < 20; i++) y = tf.matMul(y, x);
  return y;
});
call(tf.fill([1000, 1000], 0.001) as tf.Tensor2D);
const how = process.argv[2];
if (how === 'throw') throw new Error('an error of the program');
if (how === 'reject') void Promise.reject(new Error('an error of the program'));
if (how === 'exit') process.exit(7);
if (how === 'exitCode') process.exitCode = 5;
