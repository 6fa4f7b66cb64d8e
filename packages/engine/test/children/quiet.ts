/** Whatever makes TensorFlow talk: loading, devices, XLA, a failed operation, a failed compiled call. */
import * as tf from '@tensorflow/tfjs-core';
import { compile, useEngine } from '../../src/index.js';

tf.enableProdMode();
await useEngine();
const a = tf.ones([64, 64]) as tf.Tensor2D;
await tf.matMul(a, a).data();
await compile((x: tf.Tensor2D) => tf.matMul(x, x), { precision: 'bfloat16' })(a).data();
await compile((x: tf.Tensor2D) => tf.tanh(tf.matMul(x, x)), { xla: true })(a).data();
const pick = compile((x: tf.Tensor2D, at: tf.Tensor1D) => tf.gather(x, at));
const failed = await pick(a, tf.tensor1d([99], 'int32'))
  .data()
  .then(
    () => false,
    () => true,
  );
process.exitCode = failed ? 0 : 1;
