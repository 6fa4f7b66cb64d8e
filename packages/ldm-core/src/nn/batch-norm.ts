import * as tf from '@tensorflow/tfjs-core';
import { type BatchReplicas, meanOverReplicas } from './batch-replicas.js';
import { ones, zeros } from './init.js';
import { Params } from './params.js';
import type { Init, ParamKey, Scope } from './scope.js';

/** Options of `BatchNorm2D`. */
export interface BatchNormOptions {
  /** 1e-5 by default. */
  readonly epsilon?: number;
  /** Share of the new batch in the running statistics; 0.1 by default. */
  readonly momentum?: number;
  /** First scales; ones by default. */
  readonly init?: Init;
  /** First offsets; zeros by default. */
  readonly biasInit?: Init;
}

/**
 * Batch normalization (Ioffe and Szegedy 2015) of [B,H,W,C] over B, H and W, with PyTorch's statistics. Keys `weight`,
 * `bias`, `running_mean`, `running_var` [C] and `num_batches_tracked` (int32; an int64 scalar in the file).
 */
export class BatchNorm2D {
  private readonly scale: ParamKey<tf.Rank.R1>;
  private readonly offset: ParamKey<tf.Rank.R1>;
  private readonly runningMean: ParamKey<tf.Rank.R1>;
  private readonly runningVar: ParamKey<tf.Rank.R1>;
  private readonly batches: ParamKey<tf.Rank.R0>;
  private readonly epsilon: number;
  private readonly momentum: number;

  constructor(
    scope: Scope,
    channels: number,
    { epsilon = 1e-5, momentum = 0.1, init = ones, biasInit = zeros }: BatchNormOptions = {},
  ) {
    this.scale = scope.param('weight', [channels], init);
    this.offset = scope.param('bias', [channels], biasInit);
    this.runningMean = scope.buffer('running_mean', [channels], zeros);
    this.runningVar = scope.buffer('running_var', [channels], ones);
    this.batches = scope.buffer('num_batches_tracked', [], zeros, { dtype: 'int32' });
    this.epsilon = epsilon;
    this.momentum = momentum;
  }

  /** Evaluation: normalized by the running statistics. @param x [B,H,W,C] @returns like x */
  forward(p: Params, x: tf.Tensor4D): tf.Tensor4D {
    return this.normalize(p, tf.sub(x, p.of(this.runningMean)), p.of(this.runningVar));
  }

  /**
   * Training: normalized by the batch's mean and biased variance.
   * @param x [B,H,W,C], more than one value a channel
   * @param replicas with which the batch is shared: mean and variance are those of the whole batch. Absent: x is all of it
   * @returns y like x, and the updated buffers (no gradient flows into them): running + momentum (batch - running), with
   *   the unbiased variance
   */
  forwardTrain(p: Params, x: tf.Tensor4D, replicas?: BatchReplicas): { y: tf.Tensor4D; buffers: Params } {
    const count = ((replicas?.count ?? 1) * x.size) / x.shape[3];
    if (count < 2) throw new Error(`BatchNorm2D: x is [${x.shape}], training needs more than one value a channel`);
    const mean = meanOverReplicas(tf.mean<tf.Tensor1D>(x, [0, 1, 2]), replicas);
    const centred = tf.sub<tf.Tensor4D>(x, mean);
    const variance = meanOverReplicas(tf.mean<tf.Tensor1D>(tf.square(centred), [0, 1, 2]), replicas);
    const y = this.normalize(p, centred, variance);
    const { momentum } = this;
    const follow = (running: tf.Tensor, batch: tf.Tensor) => tf.add(running, tf.mul(tf.sub(batch, running), momentum));
    const buffers = new Params([
      [this.runningMean.key, follow(p.of(this.runningMean), mean)],
      [this.runningVar.key, follow(p.of(this.runningVar), tf.mul(variance, count / (count - 1)))],
      [this.batches.key, tf.add(p.of(this.batches), tf.scalar(1, 'int32'))],
    ]);
    return { y, buffers };
  }

  private normalize(p: Params, centred: tf.Tensor4D, variance: tf.Tensor1D): tf.Tensor4D {
    const factor = tf.mul(tf.rsqrt(tf.add(variance, this.epsilon)), p.of(this.scale));
    return tf.add(tf.mul(centred, factor), p.of(this.offset));
  }
}
