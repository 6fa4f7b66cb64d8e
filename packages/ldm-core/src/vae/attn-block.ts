import * as tf from '@tensorflow/tfjs-core';
import { attention } from '../nn/attention.js';
import { Linear } from '../nn/linear.js';
import { GroupNorm } from '../nn/norm.js';
import type { Params } from '../nn/params.js';
import type { Scope } from '../nn/scope.js';

/** The kinds of attention that a VAE may have. */
export type AttnType = 'vanilla' | 'none' | 'linear';

/**
 * The VAE's attention: one head over all pixels, with residual. Keys: `norm`, `q`, `k`, `v`, `proj_out` (1x1 convolutions
 * in the file, matrix products here).
 */
export class VaeAttnBlock {
  private readonly norm: GroupNorm;
  private readonly q: Linear;
  private readonly k: Linear;
  private readonly v: Linear;
  private readonly projOut: Linear;

  constructor(
    scope: Scope,
    private readonly options: { readonly inChannels: number },
  ) {
    const { inChannels: c } = options;
    this.norm = new GroupNorm(scope.at('norm'), c, { epsilon: 1e-6 });
    this.q = new Linear(scope.at('q'), c, c, { fileAxes: 2 });
    this.k = new Linear(scope.at('k'), c, c, { fileAxes: 2 });
    this.v = new Linear(scope.at('v'), c, c, { fileAxes: 2 });
    this.projOut = new Linear(scope.at('proj_out'), c, c, { fileAxes: 2 });
  }

  /** @param x [B,H,W,C] @returns [B,H,W,C] */
  forward(p: Params, x: tf.Tensor4D): tf.Tensor4D {
    const [B, H, W, C] = x.shape;
    return tf.tidy(() => {
      const tokens = tf.reshape(this.norm.forward(p, x), [B, H * W, C]);
      const [q, k, v] = [this.q, this.k, this.v].map((layer) => layer.forward(p, tokens) as tf.Tensor3D);
      const y = attention(q!, k!, v!, { heads: 1, scale: this.options.inChannels ** -0.5 }); // [B,N,C]
      return tf.add(x, tf.reshape(this.projOut.forward(p, y), [B, H, W, C]));
    });
  }
}

/**
 * Attention linear in the number of pixels (Katharopoulos et al. 2020, with a softmax over the keys' positions): one head,
 * out = (softmax(k) vᵀ)ᵀ q. No norm, no residual. Keys: `to_qkv` without bias, `to_out`.
 */
export class LinearAttnBlock {
  private readonly toQkv: Linear;
  private readonly toOut: Linear;

  constructor(scope: Scope, { inChannels: c }: { readonly inChannels: number }) {
    this.toQkv = new Linear(scope.at('to_qkv'), c, 3 * c, { bias: false, fileAxes: 2 });
    this.toOut = new Linear(scope.at('to_out'), c, c, { fileAxes: 2 });
  }

  /** @param x [B,H,W,C] @returns [B,H,W,C] */
  forward(p: Params, x: tf.Tensor4D): tf.Tensor4D {
    const [B, H, W, C] = x.shape;
    return tf.tidy(() => {
      const [q, k, v] = tf.split(this.toQkv.forward(p, tf.reshape(x, [B, H * W, C])), 3, 2); // each [B,N,C]
      const perPosition = tf.softmax(tf.transpose(k!, [0, 2, 1])); // [B,C,N], sums to 1 over the positions
      const context = tf.matMul(perPosition, v!); // [B,C,C]
      return tf.reshape(this.toOut.forward(p, tf.matMul(q!, context)), [B, H, W, C]);
    });
  }
}

/** Attention without effect and without keys. */
class NoAttnBlock {
  forward(_p: Params, x: tf.Tensor4D): tf.Tensor4D {
    return x;
  }
}

/** Declare the attention of the given kind over `channels`. */
export function vaeAttention(
  scope: Scope,
  type: AttnType,
  channels: number,
): VaeAttnBlock | LinearAttnBlock | NoAttnBlock {
  if (type === 'vanilla') return new VaeAttnBlock(scope, { inChannels: channels });
  return type === 'linear' ? new LinearAttnBlock(scope, { inChannels: channels }) : new NoAttnBlock();
}
