import * as tf from '@tensorflow/tfjs-core';
import type { SegMaskEncoderConfig } from '../config/cond-stage-config.js';
import { Linear } from '../nn/linear.js';
import type { Params } from '../nn/params.js';
import type { Scope } from '../nn/scope.js';
import { ShapeError } from '../nn/shape-error.js';

/** A part without parameters that turns a mask into numbers: here, it casts. No keys. */
export class PassSegMaskEncoder {
  /** @param mask one-hot, of any type [B,K,N] or [B,1,K,N] @returns the same as float32 [B,K,N] */
  forward(mask: tf.Tensor): tf.Tensor3D {
    const fits = mask.rank === 3 || (mask.rank === 4 && mask.shape[1] === 1);
    if (!fits) throw new ShapeError('mask encoder', 'mask', mask.shape, 'one-hot [B,K,N] or [B,1,K,N]');
    return tf.tidy(() => tf.cast(mask.rank === 4 ? tf.squeeze(mask, [1]) : mask, 'float32') as tf.Tensor3D);
  }
}

/**
 * The mask encoder: one token per class, which is a linear image of where that class lies (its map of N = 32x32 pixels,
 * row by row). Keys: `linear`.
 */
export class SegMaskEncoder {
  private readonly linear: Linear;

  /** @param pre what the mask goes through first */
  constructor(
    private readonly scope: Scope,
    config: Pick<SegMaskEncoderConfig, 'maskEmbedDim' | 'contextDim'>,
    private readonly pre: PassSegMaskEncoder = new PassSegMaskEncoder(),
  ) {
    this.linear = new Linear(scope.at('linear'), config.maskEmbedDim, config.contextDim);
  }

  /**
   * @param mask one-hot [B,K,N] or [B,1,K,N], K classes, N = mask_embed_dim pixels
   * @returns context [B,K,context_dim]
   * @throws ShapeError on another shape
   */
  forward(p: Params, mask: tf.Tensor): tf.Tensor3D {
    const pixels = mask.shape.at(-1);
    if (pixels !== this.linear.inDim) {
      const wanted = `${this.linear.inDim} pixels on the last axis (mask_embed_dim)`;
      throw new ShapeError(`mask encoder '${this.scope.path}'`, 'mask', mask.shape, wanted);
    }
    return tf.tidy(() => this.linear.forward(p, this.pre.forward(mask)));
  }
}
