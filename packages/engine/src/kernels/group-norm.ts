import * as tf from '@tensorflow/tfjs-core';
import { scaleAndShift } from './batch-norm.js';
import { defineKernel } from './ops.js';
import { inBfloat16, meanOfRows } from './reductions.js';
import { rowPartsOf } from './row-parts.js';

type Attrs = {
  groups: number;
  epsilon: number;
  activation: 'none' | 'silu';
};

/** The input as rows [B,N,C], centred by its group, with what the group's statistics make of scale and offset. */
interface Normalized {
  readonly rows: tf.Tensor3D;
  /** rows - mean [B,N,C]. */
  readonly centred: tf.Tensor3D;
  /** 1 / sqrt(variance + epsilon) [B,G,1]. */
  readonly inverse: tf.Tensor3D;
}

/**
 * Group normalization, y = x a + b with a and b per sample and channel: means of channels first, then of the few channels
 * of a group, so that the large array is only read in its own order.
 */
export const groupNorm = defineKernel<Record<'x' | 'scale' | 'offset', tf.Tensor>, Attrs>(
  'GroupNorm',
  ({ x, scale, offset }, { groups, epsilon, activation }) => {
    const parts = partsOf(rowsOf(x));
    const z = (inBfloat16() ? bySample : affine)(parts, { scale, offset }, groups, epsilon);
    const y = activation === 'silu' ? z.map((part) => tf.mul(part, tf.sigmoid(part))) : z;
    return [tf.reshape(y.length === 1 ? y[0]! : tf.concat(y, 1), x.shape)];
  },
);

/** Its gradient: dx = (g - mean(g) - xHat mean(g xHat)) / std with g = dz scale, means over the group. */
export const groupNormGrad = defineKernel<Record<'dy' | 'x' | 'scale' | 'offset', tf.Tensor>, Attrs>(
  'GroupNormGrad',
  ({ dy, x, scale, offset }, { groups, epsilon, activation }) => {
    const { rows, centred, inverse } = normalize(x, groups, epsilon);
    const [B, N, C] = rows.shape;
    const a = perChannel(inverse, scale);
    let dz = tf.reshape(dy, rows.shape) as tf.Tensor3D;
    if (activation === 'silu') dz = tf.mul(dz, siluSlope(tf.add(tf.mul(centred, a), offset)));
    // Per sample and channel [B,1,C]: mean of dz, and mean of dz times the centred input.
    const meanDz = meanOfRows(dz);
    const meanProduct = meanOfRows(tf.mul(dz, centred));
    const doffset = tf.mul(tf.sum(meanDz, [0, 1]), N);
    const dscale = tf.mul(tf.sum(tf.mul(meanProduct, spread(inverse, C)), [0, 1]), N);
    const ofGroup = (perC: tf.Tensor3D): tf.Tensor3D =>
      tf.mean(tf.reshape(tf.mul(perC, scale), [B, groups, C / groups]), 2, true);
    const shift = spread(tf.mul(ofGroup(meanDz), inverse), C);
    const slope = spread(tf.mul(ofGroup(meanProduct), tf.mul(inverse, tf.square(inverse))), C);
    const dx = tf.sub(tf.sub(tf.mul(dz, a), tf.mul(centred, slope)), shift);
    return [tf.reshape(dx, x.shape), dscale, doffset];
  },
);

type Affine = Readonly<Record<'scale' | 'offset', tf.Tensor>>;

/** The rows [B,N,C] in the parts that are computed side by side, most often one. */
function partsOf(rows: tf.Tensor3D): tf.Tensor3D[] {
  const [B, N, C] = rows.shape;
  const parts = rowPartsOf([B, N, 1, C]);
  if (parts === 1) return [rows];
  return tf.split(tf.reshape(rows, [N, C]), parts).map((part) => tf.reshape(part, [1, N / parts, C]) as tf.Tensor3D);
}

function affine(parts: readonly tf.Tensor3D[], { scale, offset }: Affine, groups: number, epsilon: number) {
  const mean = spread(meanOfGroups(parts, groups), scale.shape[0]!);
  const centred = parts.map((rows) => tf.sub(rows, mean) as tf.Tensor3D);
  const variance = meanOfGroups(
    centred.map((rows) => tf.square(rows)),
    groups,
  );
  const a = perChannel(tf.rsqrt(tf.add(variance, epsilon)), scale);
  return centred.map((rows) => tf.add(tf.mul(rows, a), offset));
}

/**
 * The same in bfloat16, where each of `affine`'s steps would round, the mean too: y = x a + b, the statistics in two passes
 * over the large array and the result in one for each sample.
 */
function bySample(parts: readonly tf.Tensor3D[], { scale, offset }: Affine, groups: number, epsilon: number) {
  const mean = meanOfGroups(parts, groups);
  const means = spread(mean, scale.shape[0]!);
  const variance = meanOfGroups(
    parts.map((rows) => tf.squaredDifference(rows, means)),
    groups,
  );
  const inverse = tf.rsqrt(tf.add(variance, epsilon)) as tf.Tensor3D;
  const a = perChannel(inverse, scale);
  // Of the mean that no large array has met: that one mixed precision rounds.
  const b = tf.sub(offset, perChannel(tf.mul(mean, inverse), scale));
  const [factors, shifts] = [a, b].map((perC) => tf.unstack(tf.squeeze(perC, [1])) as tf.Tensor1D[]);
  const scaled = (sample: tf.Tensor, i: number) => scaleAndShift(sample as tf.Tensor2D, factors![i]!, shifts![i]!);
  return parts.map((rows) => tf.stack(tf.unstack(rows).map(scaled)));
}

function normalize(x: tf.Tensor, groups: number, epsilon: number): Normalized {
  const rows = rowsOf(x);
  const centred = tf.sub(rows, spread(meanOfGroups([rows], groups), rows.shape[2])) as tf.Tensor3D;
  const variance = meanOfGroups([tf.square(centred)], groups);
  return { rows, centred, inverse: tf.rsqrt(tf.add(variance, epsilon)) };
}

/** Mean over the rows of equal parts [B,N,C] and over the channels of a group, [B,G,1]. */
function meanOfGroups(parts: readonly tf.Tensor[], groups: number): tf.Tensor3D {
  const [B, , C] = parts[0]!.shape;
  const means = parts.map((rows) => meanOfRows(rows as tf.Tensor3D));
  const mean = means.length === 1 ? means[0]! : tf.div(tf.addN(means), means.length);
  return tf.mean(tf.reshape(mean, [B!, groups, C! / groups]), 2, true);
}

/** x [B, ..., C] -> [B,N,C] */
const rowsOf = (x: tf.Tensor): tf.Tensor3D => tf.reshape(x, [x.shape[0]!, -1, x.shape[x.rank - 1]!]);

/** [B,G,1] -> [B,1,C], each group's number for all its channels. */
function spread(perGroup: tf.Tensor3D, C: number): tf.Tensor3D {
  const [B, G] = perGroup.shape;
  return tf.reshape(tf.tile(perGroup, [1, 1, C / G]), [B, 1, C]);
}

const perChannel = (inverse: tf.Tensor3D, scale: tf.Tensor): tf.Tensor3D =>
  tf.mul(spread(inverse, scale.shape[0]!), scale);

/** Derivative of z sigmoid(z). */
function siluSlope(z: tf.Tensor3D): tf.Tensor3D {
  const s = tf.sigmoid(z);
  return tf.mul(s, tf.add(tf.mul(z, tf.sub(1, s)), 1));
}
