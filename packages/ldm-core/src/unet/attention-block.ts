import * as tf from '@tensorflow/tfjs-core';
import { attention } from '../nn/attention.js';
import { zeros } from '../nn/init.js';
import { Linear } from '../nn/linear.js';
import { GroupNorm } from '../nn/norm.js';
import type { Params } from '../nn/params.js';
import type { Scope } from '../nn/scope.js';

/** Options of {@link AttentionBlock}. */
export interface AttentionBlockOptions {
  /** Channels in and out. */
  readonly channels: number;
  /** Number of heads, unless `numHeadChannels` is given. Default 1. */
  readonly numHeads?: number;
  /** Width of a head; -1 (default): `numHeads` decides. */
  readonly numHeadChannels?: number;
  /** Channels of `qkv` are [q|k|v] and then heads; false (default): heads first, each [q|k|v]. */
  readonly useNewAttentionOrder?: boolean;
}

/**
 * Self-attention over the pixels of a feature map, without context (Dhariwal & Nichol 2021).
 * Keys: `norm`, `qkv`, `proj_out`; the last two are 1-D convolutions in the file, [out,in,1].
 */
export class AttentionBlock {
  private readonly norm: GroupNorm;
  private readonly qkv: Linear;
  private readonly projOut: Linear;
  private readonly heads: number;
  private readonly headsFirst: boolean;

  /** @throws Error if the heads do not divide the channels */
  constructor(scope: Scope, config: AttentionBlockOptions) {
    const { channels, numHeads = 1, numHeadChannels = -1 } = config;
    this.heads = numHeadChannels === -1 ? numHeads : channels / numHeadChannels;
    if (!Number.isInteger(this.heads) || channels % this.heads !== 0) {
      const asked = numHeadChannels === -1 ? `${numHeads} heads` : `heads of width ${numHeadChannels}`;
      throw new Error(`attention block at '${scope.path}': ${channels} channels do not split into ${asked}`);
    }
    this.headsFirst = !config.useNewAttentionOrder;
    this.norm = new GroupNorm(scope.at('norm'), channels, { epsilon: 1e-5 });
    this.qkv = new Linear(scope.at('qkv'), channels, 3 * channels, { fileAxes: 1 });
    this.projOut = new Linear(scope.at('proj_out'), channels, channels, { fileAxes: 1, init: zeros, biasInit: zeros });
  }

  /** @param x features [B,H,W,C] @returns [B,H,W,C] */
  forward(p: Params, x: tf.Tensor4D): tf.Tensor4D {
    const [B, H, W, C] = x.shape;
    const N = H * W;
    return tf.tidy(() => {
      const qkv = this.qkv.forward(p, tf.reshape(this.norm.forward(p, x), [B, N, C])); // [B,N,3C]
      const [q, k, v] = this.headsFirst
        ? tf
            .split(tf.reshape(qkv, [B, N, this.heads, (3 * C) / this.heads]), 3, 3)
            .map((part) => tf.reshape(part, [B, N, C]))
        : tf.split(qkv, 3, 2);
      const scale = (C / this.heads) ** -0.5;
      const y = attention(q as tf.Tensor3D, k as tf.Tensor3D, v as tf.Tensor3D, { heads: this.heads, scale }); // [B,N,C]
      return tf.add(x, tf.reshape(this.projOut.forward(p, y), [B, H, W, C]));
    });
  }
}
