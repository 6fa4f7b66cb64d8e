import * as tf from '@tensorflow/tfjs-core';
import { siluSlope } from './activations.js';
import { ones, zeros } from './init.js';
import { defineOp } from './kernel.js';
import type { GroupNormAttrs, LayerNormAttrs } from './kernel-contracts.js';
import type { Params } from './params.js';
import type { ParamKey, Scope } from './scope.js';
import { ShapeError } from './shape-error.js';

/** Options of `groupNorm`; `groups` 32, `epsilon` 1e-5 and no activation by default. */
export interface GroupNormOptions {
  readonly groups?: number;
  readonly epsilon?: number;
  /** Applied to the output. */
  readonly activation?: 'silu' | undefined;
}

const groupNormOp = defineOp<'x' | 'scale' | 'offset', GroupNormAttrs>({
  name: 'GroupNorm',
  gradName: 'GroupNormGrad',
  inputs: ['x', 'scale', 'offset'],
  gradInputs: ['x', 'scale', 'offset'],
  forward: ({ x, scale, offset }, { groups, epsilon, activation }) => {
    const rows = grouped(x, groups); // [B,N,G,C/G]
    const { xHat } = normalize(rows, [1, 3], epsilon);
    const z = tf.add(tf.mul(tf.reshape(xHat, x.shape), scale), offset);
    return activation === 'silu' ? tf.mul(z, tf.sigmoid(z)) : z;
  },
  backward: (dy, { x, scale, offset }, { groups, epsilon, activation }) => {
    const { xHat, inverseStd } = normalize(grouped(x, groups), [1, 3], epsilon);
    const flat = tf.reshape(xHat, x.shape);
    const dz = activation === 'silu' ? tf.mul(dy, siluSlope(tf.add(tf.mul(flat, scale), offset))) : dy;
    const dx = normalizeGrad(grouped(tf.mul(dz, scale), groups), xHat, inverseStd, [1, 3]);
    return [tf.reshape(dx, x.shape), sumToChannels(tf.mul(dz, flat)), sumToChannels(dz)];
  },
});

/**
 * Group normalization (Wu and He 2018): every sample and every group of C/groups consecutive channels to mean 0 and
 * variance 1 over all positions, then scale and offset per channel, then the activation.
 * @param x [B, ..., C] @param scale [C] @param offset [C] @returns like x @throws Error if the groups do not divide C
 */
export function groupNorm<R extends tf.Rank>(
  x: tf.Tensor<R>,
  scale: tf.Tensor1D,
  offset: tf.Tensor1D,
  { groups = 32, epsilon = 1e-5, activation }: GroupNormOptions = {},
): tf.Tensor<R> {
  const channels = x.shape[x.rank - 1]!;
  if (channels % groups !== 0) {
    throw new Error(`groupNorm: ${channels} channels (x is [${x.shape}]) do not divide into ${groups} groups`);
  }
  return groupNormOp({ x, scale, offset }, { groups, epsilon, activation: activation ?? 'none' }) as tf.Tensor<R>;
}

const layerNormOp = defineOp<'x' | 'scale' | 'offset', LayerNormAttrs>({
  name: 'LayerNorm',
  gradName: 'LayerNormGrad',
  inputs: ['x', 'scale', 'offset'],
  gradInputs: ['x', 'scale', 'offset'],
  forward: ({ x, scale, offset }, { epsilon }) =>
    tf.add(tf.mul(normalize(x, [x.rank - 1], epsilon).xHat, scale), offset),
  backward: (dy, { x, scale }, { epsilon }) => {
    const { xHat, inverseStd } = normalize(x, [x.rank - 1], epsilon);
    const dx = normalizeGrad(tf.mul(dy, scale), xHat, inverseStd, [x.rank - 1]);
    return [dx, sumToChannels(tf.mul(dy, xHat)), sumToChannels(dy)];
  },
});

/**
 * Layer normalization (Ba et al. 2016): the last axis to mean 0 and variance 1, then scale and offset.
 * @param x [..., D] @param scale [D] @param offset [D] @returns like x
 */
export function layerNorm<R extends tf.Rank>(
  x: tf.Tensor<R>,
  scale: tf.Tensor1D,
  offset: tf.Tensor1D,
  { epsilon = 1e-5 }: { readonly epsilon?: number } = {},
): tf.Tensor<R> {
  return layerNormOp({ x, scale, offset }, { epsilon }) as tf.Tensor<R>;
}

/** [B, ..., C] -> [B, N, G, C/G]. */
function grouped(x: tf.Tensor, groups: number): tf.Tensor4D {
  const [batch, channels] = [x.shape[0]!, x.shape[x.rank - 1]!];
  return tf.reshape<tf.Rank.R4>(x, [batch, x.size / (batch * channels), groups, channels / groups]);
}

/** (x - mean) / sqrt(var + epsilon) over some axes; the variance is biased and taken about the mean, not as E x^2 - m^2. */
function normalize(x: tf.Tensor, axes: number[], epsilon: number): { xHat: tf.Tensor; inverseStd: tf.Tensor } {
  const centred = tf.sub(x, tf.mean(x, axes, true));
  const inverseStd = tf.rsqrt(tf.add(tf.mean(tf.square(centred), axes, true), epsilon));
  return { xHat: tf.mul(centred, inverseStd), inverseStd };
}

/** Gradient of `normalize` in x: (g - mean g - xHat mean(g xHat)) / std. */
function normalizeGrad(g: tf.Tensor, xHat: tf.Tensor, inverseStd: tf.Tensor, axes: number[]): tf.Tensor {
  const along = tf.mul(xHat, tf.mean(tf.mul(g, xHat), axes, true));
  return tf.mul(tf.sub(tf.sub(g, tf.mean(g, axes, true)), along), inverseStd);
}

/** Sum of everything but the last axis. */
function sumToChannels(x: tf.Tensor): tf.Tensor {
  const channels = x.shape[x.rank - 1]!;
  return tf.sum(tf.reshape(x, [x.size / channels, channels]), 0);
}

/** Group normalization with its parameters: keys `weight` and `bias`, [C] each. */
export class GroupNorm {
  private readonly scale: ParamKey<tf.Rank.R1>;
  private readonly offset: ParamKey<tf.Rank.R1>;
  private readonly groups: number;
  private readonly epsilon: number;

  /** @throws Error if the groups do not divide the channels */
  constructor(
    scope: Scope,
    channels: number,
    { groups = 32, epsilon = 1e-5 }: { readonly groups?: number; readonly epsilon?: number } = {},
  ) {
    if (channels % groups !== 0) {
      throw new Error(`GroupNorm '${scope.path}': ${channels} channels do not divide into ${groups} groups`);
    }
    this.scale = scope.param('weight', [channels], ones);
    this.offset = scope.param('bias', [channels], zeros);
    this.groups = groups;
    this.epsilon = epsilon;
  }

  /** @param x [B, ..., C] @param activation applied to the output @returns like x */
  forward<R extends tf.Rank>(p: Params, x: tf.Tensor<R>, activation?: 'silu'): tf.Tensor<R> {
    const { groups, epsilon } = this;
    return groupNorm(x, p.of(this.scale), p.of(this.offset), { groups, epsilon, activation });
  }
}

/** Layer normalization with its parameters: keys `weight` and `bias`, of the shape that is normalized. */
export class LayerNorm {
  private readonly scale: ParamKey;
  private readonly offset: ParamKey;
  private readonly shape: readonly number[];
  private readonly epsilon: number;

  /** @param shape extent D of the last axis, or the extents of several last axes, which are normalized together */
  constructor(scope: Scope, shape: number | readonly number[], { epsilon = 1e-5 }: { readonly epsilon?: number } = {}) {
    this.shape = typeof shape === 'number' ? [shape] : shape;
    this.scale = scope.param('weight', [...this.shape], ones);
    this.offset = scope.param('bias', [...this.shape], zeros);
    this.epsilon = epsilon;
  }

  /** @param x [..., ...shape] @returns like x @throws ShapeError if its last axes are others */
  forward<R extends tf.Rank>(p: Params, x: tf.Tensor<R>): tf.Tensor<R> {
    const { shape, epsilon } = this;
    const [scale, offset] = [p.of(this.scale), p.of(this.offset)];
    if (shape.length === 1) return layerNorm(x, scale as tf.Tensor1D, offset as tf.Tensor1D, { epsilon });
    if (x.shape.slice(-shape.length).join() !== shape.join()) {
      throw new ShapeError('layer norm', 'x', x.shape, `[..., ${shape.join(', ')}]`);
    }
    return tf.tidy(() => {
      const flat = layerNorm(tf.reshape(x, [-1, scale.size]), tf.reshape(scale, [-1]), tf.reshape(offset, [-1]), {
        epsilon,
      });
      return tf.reshape(flat, x.shape);
    });
  }
}
