import * as tf from '@tensorflow/tfjs-core';
import { defineOp } from './kernel.js';
import type { AttentionAttrs } from './kernel-contracts.js';

/**
 * Logits of one block of query rows in the composed form: 2^22 numbers, 16 MiB. Two arrays of this size exist at a time in
 * the forward pass, four in the backward pass, however long the sequences are.
 */
const MAX_LOGITS = 2 ** 22;

type Inputs = Record<'q' | 'k' | 'v', tf.Tensor>;

const attentionOp = defineOp<'q' | 'k' | 'v', AttentionAttrs>({
  name: 'Attention',
  gradName: 'AttentionGrad',
  inputs: ['q', 'k', 'v'],
  gradInputs: ['q', 'k', 'v', 'y'],
  forward: (inputs, attrs) => composedAttention(inputs, attrs, MAX_LOGITS),
  backward: (dy, inputs, attrs) => composedAttentionGrad(dy, inputs, attrs, MAX_LOGITS),
});

/** The kernel `Attention` in tfjs-core ops, with at most `maxLogits` logits at a time (but at least one row of each head). */
export function composedAttention(inputs: Inputs, { heads, scale }: AttentionAttrs, maxLogits: number): tf.Tensor3D {
  const { q, k, v } = splitAll(inputs, heads);
  const blocks = rowBlocks(q, k, maxLogits).map(([start, rows]) =>
    tf.tidy(() => tf.matMul(probabilities(rowsOf(q, start, rows), k, scale), v)),
  );
  return mergeHeads(blocks.length === 1 ? blocks[0]! : tf.concat(blocks, 2));
}

/** The kernel `AttentionGrad` likewise: gradients of q, k and v. */
export function composedAttentionGrad(
  dy: tf.Tensor,
  inputs: Inputs & { readonly y: tf.Tensor },
  { heads, scale }: AttentionAttrs,
  maxLogits: number,
): tf.Tensor3D[] {
  const { q, k, v } = splitAll(inputs, heads);
  const dOut = splitHeads(dy as tf.Tensor3D, heads);
  // sum_M P dP = sum_e dOut y, [B,h,N,1]: neither a product nor another array of the logits' size.
  const inner = tf.sum<tf.Tensor4D>(tf.mul(dOut, splitHeads(inputs.y as tf.Tensor3D, heads)), -1, true);
  const dqs: tf.Tensor4D[] = [];
  let dk: tf.Tensor4D | undefined;
  let dv: tf.Tensor4D | undefined;
  for (const [start, rows] of rowBlocks(q, k, maxLogits)) {
    const of = (x: tf.Tensor4D) => rowsOf(x, start, rows);
    const grads = tf.tidy(() => blockGradients(of(dOut), of(inner), of(q), k, v, scale));
    dqs.push(grads[0]);
    dk = accumulate(dk, grads[1]);
    dv = accumulate(dv, grads[2]);
  }
  return [mergeHeads(dqs.length === 1 ? dqs[0]! : tf.concat(dqs, 2)), mergeHeads(dk!), mergeHeads(dv!)];
}

/** How `attention` splits and scales. */
export interface AttentionOptions {
  /** Number of heads; head i is the i-th group of consecutive channels. */
  readonly heads: number;
  /** Factor of the logits, usually d^-0.5. */
  readonly scale: number;
}

/**
 * Scaled dot-product attention (Vaswani et al. 2017, eq. 1), per head softmax(scale q k^T) v. The gradient recomputes the
 * softmax from q and k instead of keeping it.
 * @param q [B,N,h·d] @param k [B,M,h·d] @param v [B,M,h·e] @returns [B,N,h·e]
 * @throws Error for shapes that do not fit together or do not divide into the heads
 */
export function attention(
  q: tf.Tensor3D,
  k: tf.Tensor3D,
  v: tf.Tensor3D,
  { heads, scale }: AttentionOptions,
): tf.Tensor3D {
  const fits =
    q.shape[0] === k.shape[0] &&
    k.shape[0] === v.shape[0] &&
    q.shape[2] === k.shape[2] &&
    k.shape[1] === v.shape[1] &&
    q.shape[2] % heads === 0 &&
    v.shape[2] % heads === 0;
  if (!fits) {
    throw new Error(
      `attention: q [${q.shape}], k [${k.shape}], v [${v.shape}] with ${heads} heads; ` +
        'wanted q [B,N,h·d], k [B,M,h·d], v [B,M,h·e]',
    );
  }
  return attentionOp({ q, k, v }, { heads, scale }) as tf.Tensor3D;
}

/** softmax(scale q k^T), [B,h,n,M]. */
function probabilities(q: tf.Tensor4D, k: tf.Tensor4D, scale: number): tf.Tensor4D {
  const logits = tf.matMul(tf.mul(q, scale), k, false, true);
  const result = tf.softmax(logits);
  logits.dispose();
  return result as tf.Tensor4D;
}

/** Gradients of one block of query rows: dq of these rows, and their share of dk and dv. */
function blockGradients(
  dOut: tf.Tensor4D,
  inner: tf.Tensor4D,
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  scale: number,
): [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D] {
  const P = probabilities(q, k, scale);
  const dv = tf.matMul(P, dOut, true, false);
  const dS = tf.mul(P, tf.sub(tf.matMul(dOut, v, false, true), inner));
  const dq = tf.mul(tf.matMul(dS, k), scale);
  const dk = tf.mul(tf.matMul(dS, q, true, false), scale);
  return [dq, dk, dv] as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
}

/** [start, rows] of the blocks in which the query rows are handled. */
function rowBlocks(q: tf.Tensor4D, k: tf.Tensor4D, maxLogits: number): [number, number][] {
  const [batch, heads, n] = q.shape;
  const rows = Math.max(1, Math.min(n, Math.floor(maxLogits / (batch * heads * k.shape[2]))));
  const blocks: [number, number][] = [];
  for (let start = 0; start < n; start += rows) blocks.push([start, Math.min(rows, n - start)]);
  return blocks;
}

function rowsOf(x: tf.Tensor4D, start: number, rows: number): tf.Tensor4D {
  return rows === x.shape[2] ? x : tf.slice(x, [0, 0, start, 0], [-1, -1, rows, -1]);
}

function accumulate(sum: tf.Tensor4D | undefined, next: tf.Tensor4D): tf.Tensor4D {
  if (sum === undefined) return next;
  const total = tf.add(sum, next);
  tf.dispose([sum, next]);
  return total as tf.Tensor4D;
}

function splitAll(inputs: Inputs, heads: number): Record<'q' | 'k' | 'v', tf.Tensor4D> {
  const split = (x: tf.Tensor) => splitHeads(x as tf.Tensor3D, heads);
  return { q: split(inputs.q), k: split(inputs.k), v: split(inputs.v) };
}

/** [B,N,h·d] -> [B,h,N,d]. */
function splitHeads(x: tf.Tensor3D, heads: number): tf.Tensor4D {
  const [batch, n, width] = x.shape;
  return tf.transpose(tf.reshape<tf.Rank.R4>(x, [batch, n, heads, width / heads]), [0, 2, 1, 3]);
}

/** [B,h,N,d] -> [B,N,h·d]. */
function mergeHeads(x: tf.Tensor): tf.Tensor3D {
  const [batch, heads, n, d] = x.shape as [number, number, number, number];
  return tf.reshape<tf.Rank.R3>(tf.transpose(x, [0, 2, 1, 3]), [batch, n, heads * d]);
}
