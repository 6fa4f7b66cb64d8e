import * as tf from '@tensorflow/tfjs-core';
import { kaiming } from './init.js';
import type { Params } from './params.js';
import type { Init, ParamKey, Scope } from './scope.js';

/** Options of `Linear`. */
export interface LinearOptions {
  /** Add a bias [out]; true by default. */
  readonly bias?: boolean;
  /** First weights; uniform ±1/sqrt(in) by default. */
  readonly init?: Init;
  /** First biases; uniform ±1/sqrt(in) by default. */
  readonly biasInit?: Init;
  /** How many trailing axes of length 1 the file's weight has: 1 or 2 where the original is a 1-D or 1x1 convolution. */
  readonly fileAxes?: number;
}

/** y = x W^T + b over the last axis. Keys `weight` [out, in] (the file's order) and `bias` [out]. */
export class Linear {
  private readonly weight: ParamKey<tf.Rank.R2>;
  private readonly bias: ParamKey<tf.Rank.R1> | undefined;

  constructor(
    scope: Scope,
    readonly inDim: number,
    readonly outDim: number,
    { bias = true, init = kaiming(inDim), biasInit = kaiming(inDim), fileAxes = 0 }: LinearOptions = {},
  ) {
    const file = fileAxes > 0 ? { shape: [outDim, inDim, ...new Array<number>(fileAxes).fill(1)] } : undefined;
    this.weight = scope.param('weight', [outDim, inDim], init, { factor: true, ...(file && { file }) });
    this.bias = bias ? scope.param('bias', [outDim], biasInit) : undefined;
  }

  /** @param x [..., in] @returns [..., out] @throws Error naming the layer if the last axis is another */
  forward<R extends tf.Rank>(p: Params, x: tf.Tensor<R>): tf.Tensor<R> {
    if (x.shape[x.rank - 1] !== this.inDim) {
      throw new Error(`Linear '${this.weight.key}': x is [${x.shape}], its last axis must be ${this.inDim}`);
    }
    // One large product instead of a batch of small ones.
    const rows = tf.reshape<tf.Rank.R2>(x, [x.size / this.inDim, this.inDim]);
    let y: tf.Tensor = tf.matMul(rows, p.of(this.weight), false, true);
    if (this.bias) y = tf.add(y, p.of(this.bias));
    return tf.reshape<tf.Rank>(y, [...x.shape.slice(0, -1), this.outDim]) as tf.Tensor<R>;
  }
}
