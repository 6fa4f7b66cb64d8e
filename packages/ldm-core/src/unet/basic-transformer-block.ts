import * as tf from '@tensorflow/tfjs-core';
import { checkpoint } from '../nn/checkpoint.js';
import type { Rng } from '../nn/dropout.js';
import { FeedForward } from '../nn/feed-forward.js';
import { LayerNorm } from '../nn/norm.js';
import type { Params } from '../nn/params.js';
import type { Scope } from '../nn/scope.js';
import type { Context, KeyValue } from './context-keys.js';
import { CrossAttention } from './cross-attention.js';

/** Options of {@link BasicTransformerBlock}. */
export interface BasicTransformerBlockOptions {
  /** Width of the tokens. */
  readonly dim: number;
  readonly nHeads: number;
  /** Width of a head. */
  readonly dHead: number;
  /** Share dropped in attention outputs and inside the feed-forward, when an rng is given. Default 0. */
  readonly dropout?: number;
  /** Width of the context. Default: `dim`. */
  readonly contextDim?: number | null;
  /** GEGLU feed-forward; false: Linear, GELU, Linear. Default true. */
  readonly gatedFf?: boolean;
  /** Recompute this block in the backward pass instead of keeping its activations. Default true. */
  readonly checkpoint?: boolean;
}

/** Pre-norm self-attention, cross-attention, feed-forward. Keys: `attn1`, `ff`, `attn2`, `norm1`, `norm2`, `norm3`. */
export class BasicTransformerBlock {
  private readonly attn1: CrossAttention;
  private readonly ff: FeedForward;
  /** The attention over the context. */
  readonly attn2: CrossAttention;
  private readonly norm1: LayerNorm;
  private readonly norm2: LayerNorm;
  private readonly norm3: LayerNorm;
  private readonly checkpointed: boolean;

  constructor(
    private readonly scope: Scope,
    config: BasicTransformerBlockOptions,
  ) {
    const { dim, nHeads: heads, dHead: dimHead, dropout = 0, contextDim = null } = config;
    this.checkpointed = config.checkpoint ?? true;
    this.attn1 = new CrossAttention(scope.at('attn1'), { queryDim: dim, heads, dimHead, dropout });
    this.ff = new FeedForward(scope.at('ff'), dim, { gated: config.gatedFf ?? true, dropout });
    this.attn2 = new CrossAttention(scope.at('attn2'), { queryDim: dim, contextDim, heads, dimHead, dropout });
    this.norm1 = new LayerNorm(scope.at('norm1'), dim, { epsilon: 1e-5 });
    this.norm2 = new LayerNorm(scope.at('norm2'), dim, { epsilon: 1e-5 });
    this.norm3 = new LayerNorm(scope.at('norm3'), dim, { epsilon: 1e-5 });
  }

  /**
   * @param x tokens [B,N,dim]
   * @param context embeddings [B,L,contextDim], ready keys and values, or null: self-attention a second time
   * @param rng source of dropout; without it nothing is dropped
   * @param recompute false: keep activations, also where the block is set to recompute them
   * @returns [B,N,dim]
   */
  forward(p: Params, x: tf.Tensor3D, context: Context, rng?: Rng, recompute = true): tf.Tensor3D {
    const given = this.own(context);
    const run = (p: Params, x: tf.Tensor, context: tf.Tensor | KeyValue | null) =>
      this.compute(p, x as tf.Tensor3D, context as tf.Tensor3D | KeyValue | null, rng);
    if (!this.checkpointed || !recompute) return run(p, x, given);
    const own = p.under(this.scope.path);
    // Tensors have to reach the recomputed part as inputs: what a closure captures gets no gradient.
    if (given === null) return checkpoint((p, x) => run(p, x!, null), own, x);
    if (given instanceof tf.Tensor) return checkpoint((p, x, context) => run(p, x!, context!), own, x, given);
    // The projections of the context do nothing here; handed in, they would come back with gradients of zero.
    const replaced = ['attn2.to_k', 'attn2.to_v'].map((name) => `${this.scope.at(name).path}.`);
    const used = own.filter((key) => !replaced.some((prefix) => key.startsWith(prefix)));
    return checkpoint(
      (p, x, k, v) => run(p, x!, { k: k as tf.Tensor3D, v: v as tf.Tensor3D }),
      used,
      x,
      given.k,
      given.v,
    );
  }

  private own(context: Context): tf.Tensor3D | KeyValue | null {
    return context === null || context instanceof tf.Tensor ? context : this.attn2.select(context);
  }

  private compute(p: Params, x: tf.Tensor3D, context: tf.Tensor3D | KeyValue | null, rng?: Rng): tf.Tensor3D {
    return tf.tidy(() => {
      let h: tf.Tensor3D = tf.add(x, this.attn1.forward(p, this.norm1.forward(p, x), null, rng));
      h = tf.add(h, this.attn2.forward(p, this.norm2.forward(p, h), context, rng));
      return tf.add(h, this.ff.forward(p, this.norm3.forward(p, h), rng));
    });
  }
}
