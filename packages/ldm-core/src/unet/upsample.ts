import type * as tf from '@tensorflow/tfjs-core';
import { Conv2D } from '../nn/conv2d.js';
import type { Params } from '../nn/params.js';
import type { Scope } from '../nn/scope.js';
import { upsampleNearest2x } from '../nn/upsample.js';

/** Options of the UNet's {@link Upsample}. */
export interface UpsampleOptions {
  /** Channels in. */
  readonly channels: number;
  /** true: a 3x3 convolution follows (key `conv`). */
  readonly useConv: boolean;
  /** Channels out of the convolution. Default: `channels`; without effect if there is none. */
  readonly outChannels?: number | null;
  /** Rows and columns of zeros on each side before the convolution. Default 1. */
  readonly padding?: number;
}

/** Doubling of height and width: nearest neighbour, then usually a convolution. */
export class Upsample {
  private readonly conv: Conv2D | null;

  constructor(scope: Scope, { channels, useConv, outChannels, padding = 1 }: UpsampleOptions) {
    this.conv = useConv
      ? new Conv2D(scope.at('conv'), channels, outChannels ?? channels, { pad: padding, upsample: true })
      : null;
  }

  /** @param x [B,H,W,C] @returns [B,2H,2W,C'] */
  forward(p: Params, x: tf.Tensor4D): tf.Tensor4D {
    return this.conv ? this.conv.forward(p, x) : upsampleNearest2x(x);
  }
}
