import * as tf from '@tensorflow/tfjs-core';
import type { Rng } from '../nn/dropout.js';
import { zeros } from '../nn/init.js';
import { Linear } from '../nn/linear.js';
import { GroupNorm } from '../nn/norm.js';
import type { Params } from '../nn/params.js';
import type { Scope } from '../nn/scope.js';
import { BasicTransformerBlock } from './basic-transformer-block.js';
import type { Context, ContextKeys } from './context-keys.js';

/** Options of {@link SpatialTransformer}. */
export interface SpatialTransformerOptions {
  /** Channels in and out. */
  readonly inChannels: number;
  readonly nHeads: number;
  /** Width of a head; tokens are nHeads·dHead wide. */
  readonly dHead: number;
  /** Number of transformer blocks. Default 1. */
  readonly depth?: number;
  /** Share dropped inside the blocks, when an rng is given. Default 0. */
  readonly dropout?: number;
  /** Width of the context. Default: the tokens' width. */
  readonly contextDim?: number | null;
  /** Recompute the blocks in the backward pass. Default true. */
  readonly checkpoint?: boolean;
}

/**
 * Transformer over the pixels of a feature map, attending to a context (Rombach et al. 2022, section 3.3).
 * Keys: `norm`, `proj_in`, `transformer_blocks.i`, `proj_out`. The 1x1 convolutions are matrix products here; only the
 * file keeps their two trailing axes.
 */
export class SpatialTransformer {
  private readonly norm: GroupNorm;
  private readonly projIn: Linear;
  private readonly blocks: readonly BasicTransformerBlock[];
  private readonly projOut: Linear;

  constructor(scope: Scope, config: SpatialTransformerOptions) {
    const { inChannels, nHeads, dHead, depth = 1 } = config;
    const inner = nHeads * dHead;
    this.norm = new GroupNorm(scope.at('norm'), inChannels, { epsilon: 1e-6 });
    this.projIn = new Linear(scope.at('proj_in'), inChannels, inner, { fileAxes: 2 });
    this.blocks = Array.from(
      { length: depth },
      (_, i) =>
        new BasicTransformerBlock(scope.at(`transformer_blocks.${i}`), {
          dim: inner,
          nHeads,
          dHead,
          dropout: config.dropout ?? 0,
          contextDim: config.contextDim ?? null,
          checkpoint: config.checkpoint ?? true,
        }),
    );
    this.projOut = new Linear(scope.at('proj_out'), inner, inChannels, { fileAxes: 2, init: zeros, biasInit: zeros });
  }

  /** Keys and values of this part's cross-attentions. @param context [B,L,contextDim] */
  contextKeys(p: Params, context: tf.Tensor3D): ContextKeys {
    return Object.assign({}, ...this.blocks.map(({ attn2 }) => attn2.namedContextKeys(p, context)));
  }

  /**
   * @param x features [B,H,W,C]
   * @param context embeddings [B,L,D], ready keys and values, or null: self-attention only
   * @param rng source of dropout; without it nothing is dropped
   * @param recompute false: keep activations, also where blocks are set to recompute them
   * @returns [B,H,W,C]
   */
  forward(p: Params, x: tf.Tensor4D, context: Context, rng?: Rng, recompute = true): tf.Tensor4D {
    const [B, H, W, C] = x.shape;
    return tf.tidy(() => {
      const normed = tf.reshape(this.norm.forward(p, x), [B, H * W, C]); // row-major tokens
      let tokens = this.projIn.forward(p, normed) as tf.Tensor3D; // [B,N,h·d]
      for (const block of this.blocks) tokens = block.forward(p, tokens, context, rng, recompute);
      return tf.add(x, tf.reshape(this.projOut.forward(p, tokens), [B, H, W, C]));
    });
  }
}
