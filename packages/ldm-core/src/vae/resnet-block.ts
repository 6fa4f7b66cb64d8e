import * as tf from '@tensorflow/tfjs-core';
import { silu } from '../nn/activations.js';
import { Conv2D } from '../nn/conv2d.js';
import { dropout, type Rng } from '../nn/dropout.js';
import { Linear } from '../nn/linear.js';
import { GroupNorm } from '../nn/norm.js';
import type { Params } from '../nn/params.js';
import type { Scope } from '../nn/scope.js';

/** Options of {@link ResnetBlock}. */
export interface ResnetBlockOptions {
  readonly inChannels: number;
  /** Default: `inChannels`. */
  readonly outChannels?: number | null;
  /** Where channels change, the skip is a 3x3 convolution (`conv_shortcut`) instead of 1x1 (`nin_shortcut`). */
  readonly convShortcut?: boolean;
  /** Share of features dropped before the second convolution, when an rng is given. */
  readonly dropout: number;
  /** Width of a time embedding; 0: none, as in the VAE. Default 512. */
  readonly tembChannels?: number;
}

/**
 * The VAE's residual block. Keys: `norm1`, `conv1`, `temb_proj` (with a time embedding), `norm2`, `conv2`, and
 * `nin_shortcut` or `conv_shortcut` where channels change.
 */
export class ResnetBlock {
  private readonly norm1: GroupNorm;
  private readonly conv1: Conv2D;
  private readonly tembProj: Linear | null;
  private readonly norm2: GroupNorm;
  private readonly conv2: Conv2D;
  private readonly shortcut: Conv2D | null;

  constructor(
    private readonly scope: Scope,
    private readonly options: ResnetBlockOptions,
  ) {
    const { inChannels, tembChannels = 512, convShortcut = false } = options;
    const out = options.outChannels ?? inChannels;
    this.norm1 = new GroupNorm(scope.at('norm1'), inChannels, { epsilon: 1e-6 });
    this.conv1 = new Conv2D(scope.at('conv1'), inChannels, out, { kernel: 3 });
    this.tembProj = tembChannels > 0 ? new Linear(scope.at('temb_proj'), tembChannels, out) : null;
    this.norm2 = new GroupNorm(scope.at('norm2'), out, { epsilon: 1e-6 });
    this.conv2 = new Conv2D(scope.at('conv2'), out, out, { kernel: 3 });
    const [key, form] = convShortcut
      ? (['conv_shortcut', { kernel: 3 }] as const)
      : (['nin_shortcut', { kernel: 1 }] as const);
    this.shortcut = out === inChannels ? null : new Conv2D(scope.at(key), inChannels, out, form);
  }

  /**
   * @param x [B,H,W,C]
   * @param temb time embedding [B,tembChannels], or null: nothing is added
   * @param rng source of dropout; without it nothing is dropped
   * @returns [B,H,W,outChannels]
   * @throws Error if an embedding is given to a block without `temb_proj`
   */
  forward(p: Params, x: tf.Tensor4D, temb: tf.Tensor2D | null = null, rng?: Rng): tf.Tensor4D {
    if (temb && !this.tembProj) {
      throw new Error(`resnet block '${this.scope.path}': got a time embedding, but temb_channels is 0`);
    }
    return tf.tidy(() => {
      let h = this.conv1.forward(p, this.norm1.forward(p, x, 'silu'));
      if (temb && this.tembProj) {
        const shift = this.tembProj.forward(p, silu(temb)); // [B,out]
        h = tf.add(h, tf.reshape(shift, [shift.shape[0]!, 1, 1, shift.shape[1]!]));
      }
      h = dropout(this.norm2.forward(p, h, 'silu'), this.options.dropout, rng?.split(this.scope.path));
      h = this.conv2.forward(p, h);
      return tf.add(this.shortcut ? this.shortcut.forward(p, x) : x, h);
    });
  }
}
