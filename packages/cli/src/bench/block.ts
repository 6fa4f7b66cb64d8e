import { compile } from '@codiff/engine';
import { attention, groupNorm, Params, Rng, silu, valueAndGrad } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import type { BenchCase, BenchSpec } from './case.js';

const BLOCKS = 4;
const SIZE = 32;
const HEADS = 4;
const GROUPS = 32;
const LEARNING_RATE = 0.01;

/** The layers that differ between plain tfjs and ours. */
interface Layers {
  groupNorm(x: tf.Tensor4D, scale: tf.Tensor1D, offset: tf.Tensor1D): tf.Tensor4D;
  silu(x: tf.Tensor): tf.Tensor;
  attention(q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D): tf.Tensor3D;
}

const OURS: Layers = {
  groupNorm: (x, scale, offset) => groupNorm(x, scale, offset, { groups: GROUPS, activation: 'silu' }),
  silu,
  attention: (q, k, v) => attention(q, k, v, { heads: HEADS, scale: (q.shape[2] / HEADS) ** -0.5 }),
};

/** The same in tfjs-core alone, as one would write it there. */
const PLAIN: Layers = {
  groupNorm: (x, scale, offset) => {
    const [B, H, W, C] = x.shape;
    const rows = tf.reshape(x, [B, H * W, GROUPS, C / GROUPS]);
    const { mean, variance } = tf.moments(rows, [1, 3], true);
    const normal = tf.div(tf.sub(rows, mean), tf.sqrt(tf.add(variance, 1e-5)));
    return PLAIN.silu(tf.add(tf.mul(tf.reshape(normal, x.shape), scale), offset)) as tf.Tensor4D;
  },
  silu: (x) => tf.mul(x, tf.sigmoid(x)),
  attention: (q, k, v) => {
    const [B, N, C] = q.shape;
    const d = C / HEADS;
    const split = (x: tf.Tensor): tf.Tensor3D =>
      tf.reshape(tf.transpose(tf.reshape(x, [B, N, HEADS, d]), [0, 2, 1, 3]), [B * HEADS, N, d]);
    const weights = tf.softmax(tf.mul(tf.matMul(split(q), split(k), false, true), d ** -0.5));
    const merged = tf.transpose(tf.reshape(tf.matMul(weights, split(v)), [B, HEADS, N, d]), [0, 2, 1, 3]);
    return tf.reshape(merged, [B, N, C]);
  },
};

/**
 * `block-64`, `block-192`: four residual blocks (group norm, SiLU, convolution 3x3, twice, with an embedding added) with
 * self-attention of four heads on 32x32 positions; the step is loss, all gradients and a plain SGD update.
 */
export function blockCase(channels: number, spec: BenchSpec): BenchCase {
  const { batch, phase, mode, precision } = spec;
  const layers = mode === 'eager' ? PLAIN : OURS;
  const rng = Rng.of(1);
  let weights = blockWeights(channels, rng);
  const x = rng.split('x').normal([batch, SIZE, SIZE, channels]) as tf.Tensor4D;
  const emb = rng.split('emb').normal([batch, channels]) as tf.Tensor2D;
  const target = rng.split('target').normal([batch, SIZE, SIZE, channels]);

  const forward = (p: Params, x: tf.Tensor4D): tf.Tensor4D => {
    let h = x;
    for (let i = 0; i < BLOCKS; i++) h = tf.tidy(() => block(layers, p, i, h, emb));
    return h;
  };
  const step = (p: Params, x: tf.Tensor4D): [Params, tf.Scalar] => {
    const { value, grads } = valueAndGrad(
      (q: Params) => tf.mean(tf.square(tf.sub(forward(q, x), target))) as tf.Scalar,
      p,
    );
    return [p.map((weight, key) => tf.sub(weight, tf.mul(grads.get(key)!, LEARNING_RATE))), value];
  };

  const flops = blockFlops(channels, batch) * (phase === 'step' ? 3 : 1);
  const options = { name: spec.name, precision, xla: mode === 'xla' } as const;
  if (phase === 'forward') {
    const call = mode === 'eager' ? forward : compile(forward, options);
    return {
      flops,
      run: (called) =>
        finish(
          tf.tidy(() => call(weights, x)),
          called,
        ),
    };
  }
  const compiled = mode === 'eager' ? null : compile(step, { ...options, state: 0 });
  return {
    flops,
    run: (called) => {
      if (compiled !== null) {
        const [next, loss] = compiled(weights, x);
        weights = next;
        return finish(loss, called);
      }
      const old = weights;
      const results = tf.tidy(() => {
        const [next, loss] = step(old, x);
        return [loss, ...next.values()];
      });
      const [loss, ...tensors] = results;
      weights = new Params([...old.keys()].map((key, i) => [key, tensors[i]!]));
      old.dispose();
      return finish(loss!, called);
    },
  };
}

function block(layers: Layers, p: Params, i: number, x: tf.Tensor4D, emb: tf.Tensor2D): tf.Tensor4D {
  const weight = <T extends tf.Tensor>(name: string): T => p.get(`${i}.${name}`) as T;
  const [B, H, W, C] = x.shape;
  let h = layers.groupNorm(x, weight('scale1'), weight('offset1'));
  h = tf.conv2d(h, weight<tf.Tensor4D>('conv1'), 1, 'same');
  h = tf.add(h, tf.reshape(tf.matMul(layers.silu(emb) as tf.Tensor2D, weight<tf.Tensor2D>('emb')), [B, 1, 1, C]));
  h = layers.groupNorm(h, weight('scale2'), weight('offset2'));
  h = tf.add(x, tf.conv2d(h, weight<tf.Tensor4D>('conv2'), 1, 'same'));
  const flat = tf.reshape(h, [B * H * W, C]);
  const project = (name: string) =>
    tf.reshape(tf.matMul(flat, weight<tf.Tensor2D>(name)), [B, H * W, C]) as tf.Tensor3D;
  const mixed = layers.attention(project('q'), project('k'), project('v'));
  return tf.add(h, tf.reshape(tf.matMul(tf.reshape(mixed, [B * H * W, C]), weight<tf.Tensor2D>('out')), h.shape));
}

function blockWeights(C: number, rng: Rng): Params {
  const entries: [string, tf.Tensor][] = [];
  for (let i = 0; i < BLOCKS; i++) {
    const draw = (name: string, shape: number[], fanIn: number): void => {
      entries.push([`${i}.${name}`, tf.tidy(() => tf.mul(rng.split(`${i}.${name}`).normal(shape), fanIn ** -0.5))]);
    };
    for (const name of ['conv1', 'conv2']) draw(name, [3, 3, C, C], 9 * C);
    for (const name of ['emb', 'q', 'k', 'v', 'out']) draw(name, [C, C], C);
    for (const name of ['scale1', 'scale2']) entries.push([`${i}.${name}`, tf.ones([C])]);
    for (const name of ['offset1', 'offset2']) entries.push([`${i}.${name}`, tf.zeros([C])]);
  }
  return new Params(entries);
}

/** Multiplications and additions of one forward pass in convolutions and matrix products. */
function blockFlops(C: number, batch: number): number {
  const N = SIZE * SIZE;
  const perBlock = 2 * (2 * N * 9 * C * C) + 4 * (2 * N * C * C) + 2 * (2 * N * N * C) + 2 * C * C;
  return BLOCKS * batch * perBlock;
}

async function finish(result: tf.Tensor, called: () => void): Promise<void> {
  called();
  await result.data();
  result.dispose();
}
