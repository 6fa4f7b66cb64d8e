import * as tf from '@tensorflow/tfjs-core';
import { Conv2D } from '../nn/conv2d.js';
import type { Params } from '../nn/params.js';
import type { Scope } from '../nn/scope.js';
import { avgPool2x, upsampleNearest2x } from '../nn/upsample.js';

/** Options of the VAE's resampling layers. */
export interface VaeResampleOptions {
  /** Channels in and out. */
  readonly inChannels: number;
  /** false: mean over 2x2, or plain enlargement; no weights. */
  readonly withConv: boolean;
}

/**
 * The VAE's halving of height and width: a 3x3 convolution of stride 2 that pads on the right and at the bottom only,
 * unlike the UNet's. Key: `conv`.
 */
export class VaeDownsample {
  private readonly conv: Conv2D | null;

  constructor(scope: Scope, { inChannels, withConv }: VaeResampleOptions) {
    const pad = [
      [0, 1],
      [0, 1],
    ] as const;
    this.conv = withConv ? new Conv2D(scope.at('conv'), inChannels, inChannels, { kernel: 3, stride: 2, pad }) : null;
  }

  /** @param x [B,H,W,C] @returns [B,floor(H/2),floor(W/2),C] */
  forward(p: Params, x: tf.Tensor4D): tf.Tensor4D {
    return this.conv ? this.conv.forward(p, x) : avgPool2x(x);
  }
}

/** The VAE's doubling of height and width: nearest neighbour, then a 3x3 convolution. Key: `conv`. */
export class VaeUpsample {
  private readonly conv: Conv2D | null;

  constructor(scope: Scope, { inChannels, withConv }: VaeResampleOptions) {
    this.conv = withConv ? new Conv2D(scope.at('conv'), inChannels, inChannels, { upsample: true }) : null;
  }

  /** @param x [B,H,W,C] @returns [B,2H,2W,C] */
  forward(p: Params, x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => (this.conv ? this.conv.forward(p, x) : upsampleNearest2x(x)));
  }
}
