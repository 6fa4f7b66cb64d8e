import * as tf from '@tensorflow/tfjs-core';
import { attention } from '../nn/attention.js';
import { dropout, type Rng } from '../nn/dropout.js';
import { Linear } from '../nn/linear.js';
import type { Params } from '../nn/params.js';
import type { Scope } from '../nn/scope.js';
import { ShapeError } from '../nn/shape-error.js';
import { type ContextKeys, isKeyValue, type KeyValue } from './context-keys.js';

/** Options of {@link CrossAttention}. */
export interface CrossAttentionOptions {
  /** Width of the tokens that ask, and of the output. */
  readonly queryDim: number;
  /** Width of the context. Default: `queryDim` (self-attention). */
  readonly contextDim?: number | null;
  readonly heads: number;
  readonly dimHead: number;
  /** Share of the output dropped, when an rng is given. Default 0. */
  readonly dropout?: number;
}

/**
 * Multi-head attention of tokens over a context (Vaswani et al. 2017; in latent diffusion: Rombach et al. 2022, 3.3).
 * Keys: `to_q`, `to_k`, `to_v` without bias, `to_out.0` with. Heads are consecutive groups of d channels.
 */
export class CrossAttention {
  private readonly toQ: Linear;
  private readonly toK: Linear;
  private readonly toV: Linear;
  private readonly toOut: Linear;

  constructor(
    private readonly scope: Scope,
    private readonly config: CrossAttentionOptions,
  ) {
    const inner = config.heads * config.dimHead;
    const contextDim = config.contextDim ?? config.queryDim;
    this.toQ = new Linear(scope.at('to_q'), config.queryDim, inner, { bias: false });
    this.toK = new Linear(scope.at('to_k'), contextDim, inner, { bias: false });
    this.toV = new Linear(scope.at('to_v'), contextDim, inner, { bias: false });
    this.toOut = new Linear(scope.at('to_out.0'), inner, config.queryDim);
  }

  /** The context's keys and values. @param context [B,L,contextDim] @returns k and v [B,L,h·d] */
  contextKeys(p: Params, context: tf.Tensor3D): KeyValue {
    return { k: this.toK.forward(p, context) as tf.Tensor3D, v: this.toV.forward(p, context) as tf.Tensor3D };
  }

  /** The context's keys and values, under this attention's names. @param context [B,L,contextDim] */
  namedContextKeys(p: Params, context: tf.Tensor3D): ContextKeys {
    const { k, v } = this.contextKeys(p, context);
    return { [`${this.scope.path}.k`]: k, [`${this.scope.path}.v`]: v };
  }

  /** This attention's part of a UNet's {@link ContextKeys}. @throws Error if it is not there */
  select(keys: ContextKeys): KeyValue {
    const [k, v] = [keys[`${this.scope.path}.k`], keys[`${this.scope.path}.v`]];
    if (k !== undefined && v !== undefined) return { k, v };
    const held = Object.keys(keys).slice(0, 3).join(', ');
    throw new Error(
      `cross-attention '${this.scope.path}': no keys and values under this path (held: ${held || 'none'}); ` +
        'make them with contextKeys of the same UNet',
    );
  }

  /**
   * @param x tokens [B,N,queryDim]
   * @param context embeddings [B,L,contextDim], ready keys and values, or null: the tokens themselves
   * @param rng source of dropout; without it nothing is dropped
   * @returns [B,N,queryDim]
   * @throws ShapeError on a context of another width
   */
  forward(p: Params, x: tf.Tensor3D, context: tf.Tensor3D | KeyValue | null, rng?: Rng): tf.Tensor3D {
    const { heads, dimHead } = this.config;
    return tf.tidy(() => {
      this.checkWidth(context === null ? x : context);
      const q = this.toQ.forward(p, x) as tf.Tensor3D; // [B,N,h·d]
      const { k, v } = context !== null && isKeyValue(context) ? context : this.contextKeys(p, context ?? x);
      const y = attention(q, k, v, { heads, scale: dimHead ** -0.5 }); // [B,N,h·d]
      return dropout(this.toOut.forward(p, y) as tf.Tensor3D, this.config.dropout ?? 0, rng?.split(this.scope.path));
    });
  }

  private checkWidth(context: tf.Tensor3D | KeyValue): void {
    const wanted = this.config.contextDim ?? this.config.queryDim;
    if (isKeyValue(context) || context.shape[2] === wanted) return;
    throw new ShapeError(
      `cross-attention '${this.scope.path}'`,
      'what it attends to',
      context.shape,
      `[B,L,${wanted}]`,
      'give a context of that width; without one, tokens attend to themselves',
    );
  }
}
