/**
 * Peak memory of training steps that own their weights, Adam's moments and averaged weights.
 * Arguments: 'one-at-a-time' or 'in-parallel'; 'apart' or 'chain'; number of layers.
 */
import { readFileSync } from 'node:fs';
import { adamStep, emaUpdate, type Init, initOptimState, Params, planUpdates, valueAndGrads } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { compile, useEngine } from '../../src/index.js';

tf.enableProdMode();
const [, , how, form, layers = '48'] = process.argv;
await useEngine({ device: 'cpu', deterministic: how === 'one-at-a-time' });

/** 48 layers of 8 MiB have 384 MiB; 192 have 1.5 GiB. */
const LAYERS = Number(layers);
const SHAPE: [number, number] = form === 'chain' ? [1448, 1448] : [2048, 1024];
/** Of a chain so many that a layer's gradient takes longer than its update. */
const ROWS = form === 'chain' ? 512 : 4;
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
    const { value, grads } = valueAndGrads((p) => ({ loss: form === 'chain' ? chained(p, x) : apart(p, x) }), params);
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
const x = tf.fill([ROWS, SHAPE[0]], 0.01) as tf.Tensor2D;
let state = begin(SHAPE);
const losses: number[] = [];
for (let i = 0; i < 4; i++) {
  const result = step(state, x);
  state = result.state;
  losses.push((await result.loss.data())[0]!);
  result.loss.dispose();
}
console.log(JSON.stringify({ parameters, base, peak: mebibytes('VmHWM') - base, losses }));

/** Nothing has an order: the worst that there is, all gradients at once. */
function apart(p: Params, x: tf.Tensor2D): tf.Scalar {
  return tf.addN([...p.values()].map((w) => tf.mean(tf.square(tf.matMul(x, w as tf.Tensor2D))))) as tf.Scalar;
}

/** One layer after the other, as models are. */
function chained(p: Params, x: tf.Tensor2D): tf.Scalar {
  const keep = (h: tf.Tensor2D, w: tf.Tensor) => tf.mul(tf.matMul(h, w as tf.Tensor2D), 2 / w.shape[0]!) as tf.Tensor2D;
  return tf.sum(tf.square([...p.values()].reduce(keep, x)));
}

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
