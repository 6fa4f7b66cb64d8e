import * as tf from '@tensorflow/tfjs-core';
import { normal } from './init.js';
import type { Params } from './params.js';
import type { Init, ParamKey, Scope } from './scope.js';

/** A table of vectors looked up by index. Key `weight` [count, D]. */
export class Embedding {
  private readonly weight: ParamKey<tf.Rank.R2>;

  /** @param options.init first vectors; standard normal by default */
  constructor(
    scope: Scope,
    readonly count: number,
    readonly dim: number,
    { init = normal(0, 1) }: { readonly init?: Init } = {},
  ) {
    this.weight = scope.param('weight', [count, dim], init);
  }

  /** @param ids int32 [B,L] (or any shape), each in 0 .. count-1 @returns [B,L,D] */
  forward(p: Params, ids: tf.Tensor): tf.Tensor {
    if (ids.dtype !== 'int32') throw new Error(`Embedding '${this.weight.key}': ids are ${ids.dtype}, must be int32`);
    return tf.gather(p.of(this.weight), ids);
  }
}
