import * as tf from '@tensorflow/tfjs-core';
import { defineOp } from './kernel.js';

const siluOp = defineOp({
  name: 'Silu',
  gradName: 'SiluGrad',
  inputs: ['x'],
  gradInputs: ['x'],
  forward: ({ x }) => tf.mul(x, tf.sigmoid(x)),
  backward: (dy, { x }) => [tf.mul(dy, siluSlope(x))],
});

/** d silu(x) / dx = s (1 + x (1 - s)), s = sigmoid(x). */
export function siluSlope<R extends tf.Rank>(x: tf.Tensor<R>): tf.Tensor<R> {
  const s = tf.sigmoid(x);
  return tf.mul(s, tf.add(tf.mul(x, tf.sub(1, s)), 1));
}

/** x sigmoid(x), the swish of Ramachandran et al. 2017. @param x [...] @returns [...] */
export function silu<R extends tf.Rank>(x: tf.Tensor<R>): tf.Tensor<R> {
  return siluOp({ x }, {}) as tf.Tensor<R>;
}

const geluOp = defineOp({
  name: 'Gelu',
  gradName: 'GeluGrad',
  inputs: ['x'],
  gradInputs: ['x'],
  forward: ({ x }) => tf.mul(x, normalCdf(x)),
  backward: (dy, { x }) => [tf.mul(dy, geluSlope(x))],
});

/** x Phi(x) with Phi the standard normal's distribution function: the exact form of Hendrycks and Gimpel 2016. @param x [...] @returns [...] */
export function gelu<R extends tf.Rank>(x: tf.Tensor<R>): tf.Tensor<R> {
  return geluOp({ x }, {}) as tf.Tensor<R>;
}

const gegluOp = defineOp({
  name: 'Geglu',
  gradName: 'GegluGrad',
  inputs: ['x'],
  gradInputs: ['x'],
  forward: ({ x }) => {
    const [value, gate] = halves(x);
    return tf.mul(value, tf.mul(gate, normalCdf(gate)));
  },
  backward: (dy, { x }) => {
    const [value, gate] = halves(x);
    const dValue = tf.mul(dy, tf.mul(gate, normalCdf(gate)));
    const dGate = tf.mul(tf.mul(dy, value), geluSlope(gate));
    return [tf.concat([dValue, dGate], -1)];
  },
});

/**
 * Gated linear unit with GELU (Shazeer 2020): the first half of the last axis times gelu of the second.
 * @param x [..., 2D] @returns [..., D] @throws Error if the last axis is odd
 */
export function geglu<R extends tf.Rank>(x: tf.Tensor<R>): tf.Tensor<R> {
  const width = x.shape[x.rank - 1]!;
  if (width % 2 !== 0) throw new Error(`geglu: x is [${x.shape}], its last axis must be even (value and gate)`);
  return gegluOp({ x }, {}) as tf.Tensor<R>;
}

/** x where positive, slope x elsewhere. @param x [...] @param slope 0.2 by default, as in PatchGAN @returns [...] */
export function leakyRelu<R extends tf.Rank>(x: tf.Tensor<R>, slope = 0.2): tf.Tensor<R> {
  return tf.leakyRelu(x, slope);
}

/** log(1 + exp(x)) as max(x, 0) + log1p(exp(-|x|)), which neither overflows nor loses small values. @param x [...] @returns [...] */
export function softplus<R extends tf.Rank>(x: tf.Tensor<R>): tf.Tensor<R> {
  return tf.add(tf.relu(x), tf.log1p(tf.exp(tf.neg(tf.abs(x)))));
}

/** Phi(x) = (1 + erf(x / sqrt 2)) / 2. */
function normalCdf(x: tf.Tensor): tf.Tensor {
  return tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);
}

/** Phi(x) + x phi(x). */
function geluSlope(x: tf.Tensor): tf.Tensor {
  const density = tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return tf.add(normalCdf(x), tf.mul(x, density));
}

function halves(x: tf.Tensor): [tf.Tensor, tf.Tensor] {
  return tf.split(x, 2, -1) as [tf.Tensor, tf.Tensor];
}
