/** Allocations over the limit, one at once and one in a compiled function, and ordinary work in between. */
import * as tf from '@tensorflow/tfjs-core';
import { compile, type EngineError, useEngine } from '../../src/index.js';

tf.enableProdMode();
await useEngine({ device: 'cpu', memoryLimitMiB: 400 });
const work = () => Array.from(tf.tidy(() => tf.sum(tf.square(tf.ones([1000])))).dataSync());
const describe = (error: unknown) => ({ code: (error as EngineError).code, message: (error as Error).message });
const caught = async (run: () => Promise<unknown> | unknown) => {
  try {
    await run();
    return null;
  } catch (error) {
    return describe(error);
  }
};

const before = work();
// From arguments, or constants would be folded when the function is optimised.
const grow = compile((x: tf.Tensor2D) => tf.sum(tf.sin(tf.matMul(x, x, true))));
const row = tf.ones([1, 2 ** 14]) as tf.Tensor2D;
const compiled = await caught(() => grow(row).data());
const between = work();
const piled: tf.Tensor[] = [];
const pile = await caught(() => {
  for (let i = 0; i < 100; i++) piled.push(tf.fill([16, 1024, 1024], i));
});
const held = piled.length;
tf.dispose(piled);
const again = tf.tidy(() => tf.sum(tf.fill([16, 1024, 1024], 1)).dataSync()[0]);
console.log(JSON.stringify({ before, compiled, between, pile, held, again }));
