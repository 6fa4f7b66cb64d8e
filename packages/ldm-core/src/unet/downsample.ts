import type * as tf from '@tensorflow/tfjs-core';
import { Conv2D } from '../nn/conv2d.js';
import type { Params } from '../nn/params.js';
import type { Scope } from '../nn/scope.js';
import { avgPool2x } from '../nn/upsample.js';

/** Options of the UNet's {@link Downsample}. */
export interface DownsampleOptions {
  /** Channels in. */
  readonly channels: number;
  /** true: 3x3 convolution of stride 2 (key `op`); false: mean over 2x2, no weights. */
  readonly useConv: boolean;
  /** Channels out. Default: `channels`, and without a convolution nothing else. */
  readonly outChannels?: number | null;
  /** Rows and columns of zeros on each side before the convolution. Default 1. */
  readonly padding?: number;
}

/** The UNet's halving of height and width. Unlike the VAE's it pads on all four sides. */
export class Downsample {
  private readonly op: Conv2D | null;

  /** @throws Error if channels change without a convolution */
  constructor(scope: Scope, { channels, useConv, outChannels, padding = 1 }: DownsampleOptions) {
    const out = outChannels ?? channels;
    if (!useConv && out !== channels) {
      throw new Error(
        `downsample at '${scope.path}': pooling cannot turn ${channels} channels into ${out}; use a convolution`,
      );
    }
    this.op = useConv ? new Conv2D(scope.at('op'), channels, out, { kernel: 3, stride: 2, pad: padding }) : null;
  }

  /** @param x [B,H,W,C] @returns [B,H/2,W/2,C'] (odd sizes: rounded up with the convolution, down without) */
  forward(p: Params, x: tf.Tensor4D): tf.Tensor4D {
    return this.op ? this.op.forward(p, x) : avgPool2x(x);
  }
}
