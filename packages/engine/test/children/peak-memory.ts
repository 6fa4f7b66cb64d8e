/** Peak memory of training steps that own their weights, Adam's moments and averaged weights. */
import { readFileSync } from 'node:fs';
import { adamStep, emaUpdate, type Init, initOptimState, Params, planUpdates, valueAndGrads } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { compile, useEngine } from '../../src/index.js';

tf.enableProdMode();
await useEngine({ device: 'cpu', deterministic: process.argv[2] === 'one-at-a-time' });

/** 48 layers have 384 MiB; 192 have 1.5 GiB. */
const LAYERS = Number(process.argv[3] ?? 48);
const SHAPE: [number, number] = [2048, 1024];
const mebibytes = (field: string): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024;
const parameters = (LAYERS * SHAPE[0] * SHAPE[1] * 4) / 2 ** 20;

const keys = Array.from({ length: LAYERS }, (_, i) => `layer${i}`);
const init: Init = { kind: 'constant', value: 0 };
const plan = planUpdates(
  new Map(keys.map((key) => [key, { key, shape: SHAPE, kind: 'parameter', dtype: 'float32', init }])),
  [{ match: /./, lr: 1e-3 }],
);
const filled = (shape: [number, number], value: number) => new Params(keys.map((key) => [key, tf.fill(shape, value)]));

const step = compile(
  ({ params, optim, ema }: State, x: tf.Tensor2D) => {
    const loss = (p: Params) => {
      const total = tf.addN([...p.values()].map((w) => tf.mean(tf.square(tf.matMul(x, w as tf.Tensor2D)))));
      return { loss: total as tf.Scalar };
    };
    const { value, grads } = valueAndGrads(loss, params);
    const updated = adamStep(params, grads, optim, plan);
    return {
      loss: value.loss,
      state: { params: updated.params, optim: updated.state, ema: emaUpdate(ema, updated.params) },
    };
  },
  { state: 0, name: 'train' },
);

// Everything but the tensors is there once: code, kernels, the graph of a step of the same kind.
const tiny = step(begin([2, 2]), tf.ones([4, 2]));
await tiny.loss.data();
tf.dispose([tiny.loss, ...tensorsOf(tiny.state)]);

const base = mebibytes('VmRSS');
const x = tf.fill([4, SHAPE[0]], 0.01) as tf.Tensor2D;
let state = begin(SHAPE);
const losses: number[] = [];
for (let i = 0; i < 4; i++) {
  const result = step(state, x);
  state = result.state;
  losses.push((await result.loss.data())[0]!);
  result.loss.dispose();
}
console.log(JSON.stringify({ parameters, base, peak: mebibytes('VmHWM') - base, losses }));

type State = ReturnType<typeof begin>;
function begin(shape: [number, number]) {
  const params = filled(shape, 0.5);
  return {
    params,
    optim: initOptimState(params, plan),
    ema: { shadow: filled(shape, 0.5), numUpdates: tf.scalar(0, 'int32') },
  };
}

function tensorsOf({ params, optim, ema }: State): tf.Tensor[] {
  const maps = [params, optim.m, optim.v, ema.shadow];
  return [optim.step, ema.numUpdates, ...maps.flatMap((map) => [...map.values()])];
}
