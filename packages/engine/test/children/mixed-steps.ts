/**
 * Ten thousand steps of every kind, after as many to warm up: eager, compiled, gradients, failures, state in place. Prints
 * counts of what is held before and after.
 */
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as tf from '@tensorflow/tfjs-core';
import '@codiff/ldm-core';
import { currentEngine } from '../../src/engine.js';
import { compile, useEngine } from '../../src/index.js';

const STEPS = 20_000;
const WARM_UP = 10_000;

tf.enableProdMode();
await useEngine({ device: 'cpu' });
const { binding } = currentEngine();

const w = tf.variable(tf.reshape(tf.sin(tf.range(0, 64)), [8, 8]) as tf.Tensor2D);
const x = tf.reshape(tf.cos(tf.range(0, 32)), [4, 8]) as tf.Tensor2D;
const layer = compile((x: tf.Tensor2D) => tf.tanh(tf.matMul(x, w)));
const pair = compile((a: tf.Tensor, scale: number) => ({ y: tf.mul(a, scale), echo: a }), { cacheSize: 2 });
const pick = compile((a: tf.Tensor, at: tf.Tensor) => tf.gather(a, at));
const train = compile(
  (state: { w: tf.Tensor; m: tf.Tensor }, x: tf.Tensor2D) => {
    const { value, grads } = tf.valueAndGrads(
      (w: tf.Tensor) => tf.mean(tf.square(tf.matMul(x, w as tf.Tensor2D))) as tf.Scalar,
    )([state.w]);
    const m = tf.add(tf.mul(state.m, 0.9), grads[0]!);
    return { loss: value, state: { w: tf.sub(state.w, tf.mul(m, 0.01)), m } };
  },
  { state: 0 },
);
const inside = tf.tensor1d([1], 'int32');
const outside = tf.tensor1d([99], 'int32');
let state = { w: tf.mul(w, 1), m: tf.zeros([8, 8]) };
let failures = 0;

const kinds: (() => Promise<void> | void)[] = [
  () => tf.tidy(() => void tf.relu(tf.add(tf.matMul(x, w), 1)).dataSync()),
  () => tf.tidy(() => void layer(x)),
  async () => {
    const y = layer(x);
    await y.data();
    y.dispose();
  },
  () => tf.tidy(() => void tf.grad((x: tf.Tensor) => tf.sum(tf.square(x)))(x)),
  () => tf.tidy(() => void tf.variableGrads(() => tf.sum(layer(x)) as tf.Scalar, [w])),
  async () => {
    const result = train(state, x);
    state = result.state;
    await result.loss.data();
    result.loss.dispose();
  },
  () => {
    state = tf.tidy(() => train(state, x).state);
  },
  () => tf.tidy(() => void tf.sum(tf.clone(state.w)).dataSync()),
  async () => {
    const y = pick(x, outside);
    await y.data().catch(() => failures++);
    y.dispose();
  },
  () =>
    tf.tidy(() => {
      try {
        tf.gather(x, outside).dataSync();
      } catch {
        failures++;
      }
    }),
  () => tf.tidy(() => void pick(x, inside).dataSync()),
  () => {
    const { y, echo } = pair(x, 2);
    tf.dispose([y, echo]);
  },
];

// V8 collects when it likes; what counts is what is left.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const held = () => {
  collect();
  const rss = Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024;
  return { tensors: tf.memory().numTensors, slots: binding.slots.size, handles: binding.runtime.handles, rss };
};
let before = held();
for (let i = 0; i < STEPS; i++) {
  if (i === WARM_UP) before = held();
  await kinds[i % kinds.length]!();
}
console.log(JSON.stringify({ before, after: held(), failures, seconds: process.uptime() }));
