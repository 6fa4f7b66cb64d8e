import { Conv2D, GroupNorm, type Params, type Scope } from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';

/** Channels that are normalized together. */
const GROUP = 8;

/** Convolution 3x3, group normalization, SiLU: what both networks of drawings are made of. Keys `conv.*`, `norm.*`. */
export class ConvBlock {
  private readonly conv: Conv2D;
  private readonly norm: GroupNorm;

  constructor(
    scope: Scope,
    inC: number,
    readonly outC: number,
    stride: 1 | 2 = 1,
  ) {
    this.conv = new Conv2D(scope.at('conv'), inC, outC, { stride });
    this.norm = new GroupNorm(scope.at('norm'), outC, { groups: outC / GROUP });
  }

  /** @param x [B,H,W,in] @returns [B,H/stride,W/stride,out] */
  forward(p: Params, x: tf.Tensor4D): tf.Tensor4D {
    return this.norm.forward(p, this.conv.forward(p, x), 'silu');
  }
}
