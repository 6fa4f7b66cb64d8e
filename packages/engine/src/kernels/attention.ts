import * as tf from '@tensorflow/tfjs-core';
import { currentEngine } from '../engine.js';
import { inSequence } from './in-sequence.js';
import { defineKernel } from './ops.js';

/**
 * Logits of one block. On a CPU 16 MiB, which its caches still help with; larger blocks spend their time on page faults. A
 * GPU wants few large ones: 512 MiB.
 */
const BLOCK_LOGITS = { cpu: 2 ** 22, gpu: 2 ** 27 } as const;

interface Attrs {
  heads: number;
  scale: number;
}

/** A block of attention: some heads, and some rows of the queries. */
interface Block {
  readonly head: number;
  readonly heads: number;
  readonly row: number;
  readonly rows: number;
}

/** softmax(scale q k^T) v by blocks, one after the other, so that one block's logits exist at a time. */
export const attention = defineKernel<Record<'q' | 'k' | 'v', tf.Tensor3D>, Attrs>(
  'Attention',
  ({ q, k, v }, { heads, scale }) => {
    const [Q, K, V] = [split(tf.mul(q, scale), heads), split(k, heads), split(v, heads)];
    const blocks = blocksOf(Q, K);
    const parts = inSequence(blocks, (block) => {
      const P = softmaxOf(rowsOf(Q, block), headsOf(K, block));
      return [tf.matMul(P, headsOf(V, block)) as tf.Tensor4D];
    });
    return [merge(joinRows(column(parts, 0), blocks))];
  },
);

/** Its gradient: the softmax P is computed again, dv = P^T dy, dS = P (dP - sum(dy y)), dq = scale dS k, dk = scale dS^T q. */
export const attentionGrad = defineKernel<Record<'dy' | 'q' | 'k' | 'v' | 'y', tf.Tensor3D>, Attrs>(
  'AttentionGrad',
  ({ dy, q, k, v, y }, { heads, scale }) => {
    const [Q, K, dY] = [split(tf.mul(q, scale), heads), split(k, heads), split(dy, heads)];
    // sum_M P dP = sum_e dY y, [B,h,N,1]: neither a product nor another array of the logits' size. It goes with dY as one more
    // channel, where v has -1, so that the product with v is dP less that sum. Not on a GPU, whose products want channels as they come.
    const inner = tf.sum(tf.mul(dY, split(y, heads)), -1, true) as tf.Tensor4D;
    const V = split(v, heads);
    const { onGpu } = currentEngine().binding.runtime;
    const [dYInner, VMinus] = onGpu ? [dY, V] : [tf.concat([dY, inner], 3), tf.concat([V, minusOnes(V)], 3)];
    const blocks = blocksOf(Q, K);
    const parts = inSequence(blocks, (block) => {
      const [rows, keys, dOut] = [rowsOf(Q, block), headsOf(K, block), rowsOf(dY, block)];
      const P = softmaxOf(rows, keys);
      const dP = tf.matMul(rowsOf(dYInner, block), headsOf(VMinus, block), false, true);
      const dS = tf.mul(P, onGpu ? tf.sub(dP, rowsOf(inner, block)) : dP);
      // The queries carry the scale already, so dk has it; dq gets it at the end.
      return [tf.matMul(dS, keys), tf.matMul(dS, rows, true), tf.matMul(P, dOut, true)] as tf.Tensor4D[];
    });
    const dq = tf.mul(merge(joinRows(column(parts, 0), blocks)), scale);
    const sums = [1, 2].map((i) => merge(addRows(column(parts, i), blocks)));
    return [dq, ...sums];
  },
);

/** [B,h,N,d] -> [B,h,N,1] */
const minusOnes = (x: tf.Tensor4D): tf.Tensor4D => tf.neg(tf.onesLike(tf.slice(x, [0, 0, 0, 0], [-1, -1, -1, 1])));

function softmaxOf(q: tf.Tensor4D, k: tf.Tensor4D): tf.Tensor4D {
  return tf.softmax(tf.matMul(q, k, false, true)) as tf.Tensor4D;
}

/** [B,N,h·d] -> [B,h,N,d] */
function split(x: tf.Tensor3D, heads: number): tf.Tensor4D {
  const [B, N, C] = x.shape;
  return tf.transpose(tf.reshape(x, [B, N, heads, C / heads]), [0, 2, 1, 3]) as tf.Tensor4D;
}

/** [B,h,N,d] -> [B,N,h·d] */
function merge(x: tf.Tensor4D): tf.Tensor3D {
  const [B, h, N, d] = x.shape;
  return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [B, N, h * d]);
}

/** The i-th result of every block. */
const column = (parts: readonly tf.Tensor4D[][], i: number): tf.Tensor4D[] => parts.map((part) => part[i]!);

/** As many heads at a time as fit a block; if one head is too many, as many of its rows. */
function blocksOf(q: tf.Tensor4D, k: tf.Tensor4D): Block[] {
  const [B, h, N] = q.shape;
  const perHead = B * N * k.shape[2];
  const limit = BLOCK_LOGITS[currentEngine().binding.runtime.onGpu ? 'gpu' : 'cpu'];
  const heads = Math.max(1, Math.min(h, Math.floor(limit / perHead)));
  const rows = Math.max(1, Math.min(N, Math.floor(limit / (B * k.shape[2]))));
  const blocks: Block[] = [];
  for (let head = 0; head < h; head += heads)
    for (let row = 0; row < N; row += rows)
      blocks.push({ head, heads: Math.min(heads, h - head), row, rows: Math.min(rows, N - row) });
  return blocks;
}

function headsOf(x: tf.Tensor4D, { head, heads }: Block): tf.Tensor4D {
  return heads === x.shape[1] ? x : tf.slice(x, [0, head, 0, 0], [-1, heads, -1, -1]);
}

function rowsOf(x: tf.Tensor4D, block: Block): tf.Tensor4D {
  const { head, heads, row, rows } = block;
  return rows === x.shape[2] ? headsOf(x, block) : tf.slice(x, [0, head, row, 0], [-1, heads, rows, -1]);
}

/** The blocks' results side by side: rows within each group of heads, then the heads. */
function joinRows(parts: readonly tf.Tensor4D[], blocks: readonly Block[]): tf.Tensor4D {
  return concat(
    byHead(parts, blocks).map((group) => concat(group, 2)),
    1,
  );
}

/** What the blocks of a group of heads add up to, then the heads side by side. */
function addRows(parts: readonly tf.Tensor4D[], blocks: readonly Block[]): tf.Tensor4D {
  return concat(
    byHead(parts, blocks).map((group) => (group.length === 1 ? group[0]! : tf.addN(group))),
    1,
  );
}

function byHead(parts: readonly tf.Tensor4D[], blocks: readonly Block[]): tf.Tensor4D[][] {
  const groups = new Map<number, tf.Tensor4D[]>();
  blocks.forEach(({ head }, i) => {
    groups.set(head, [...(groups.get(head) ?? []), parts[i]!]);
  });
  return [...groups.values()];
}

const concat = (parts: tf.Tensor4D[], axis: number): tf.Tensor4D =>
  parts.length === 1 ? parts[0]! : tf.concat(parts, axis);
