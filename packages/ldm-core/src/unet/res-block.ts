import * as tf from '@tensorflow/tfjs-core';
import { silu } from '../nn/activations.js';
import { checkpoint } from '../nn/checkpoint.js';
import { Conv2D } from '../nn/conv2d.js';
import { dropout, type Rng } from '../nn/dropout.js';
import { Linear } from '../nn/linear.js';
import { GroupNorm } from '../nn/norm.js';
import type { Params } from '../nn/params.js';
import type { Scope } from '../nn/scope.js';
import { avgPool2x, upsampleNearest2x } from '../nn/upsample.js';

/** Options of {@link ResBlock}. */
export interface ResBlockOptions {
  /** Channels in. */
  readonly channels: number;
  /** Width of the time embedding. */
  readonly embChannels: number;
  /** Share of features dropped before the second convolution, when an rng is given. */
  readonly dropout: number;
  /** Channels out. Default: `channels`. */
  readonly outChannels?: number | null;
  /** Where channels change, the skip is a 3x3 convolution instead of 1x1. */
  readonly useConv?: boolean;
  /** The embedding scales and shifts the second norm instead of being added before it. */
  readonly useScaleShiftNorm?: boolean;
  /** Recompute this block in the backward pass instead of keeping its activations. */
  readonly useCheckpoint?: boolean;
  /** Enlarge by two after the first norm (wins over `down`). */
  readonly up?: boolean;
  /** Halve after the first norm. */
  readonly down?: boolean;
}

/**
 * The UNet's residual block, told the timestep (Ho et al. 2020; scale-shift norm and resampling: Dhariwal & Nichol 2021).
 * Keys: `in_layers.{0,2}`, `emb_layers.1`, `out_layers.{0,3}`, and `skip_connection` where channels change.
 */
export class ResBlock {
  private readonly inNorm: GroupNorm;
  private readonly inConv: Conv2D;
  private readonly embProj: Linear;
  private readonly outNorm: GroupNorm;
  private readonly outConv: Conv2D;
  private readonly skip: Conv2D | null;

  constructor(
    private readonly scope: Scope,
    private readonly config: ResBlockOptions,
  ) {
    const { channels, embChannels } = config;
    const out = config.outChannels ?? channels;
    this.inNorm = new GroupNorm(scope.at('in_layers.0'), channels, { epsilon: 1e-5 });
    this.inConv = new Conv2D(scope.at('in_layers.2'), channels, out, { kernel: 3 });
    this.embProj = new Linear(scope.at('emb_layers.1'), embChannels, config.useScaleShiftNorm ? 2 * out : out);
    this.outNorm = new GroupNorm(scope.at('out_layers.0'), out, { epsilon: 1e-5 });
    this.outConv = new Conv2D(scope.at('out_layers.3'), out, out, { kernel: 3, zero: true });
    const skipForm = config.useConv ? { kernel: 3 } : { kernel: 1 };
    this.skip = out === channels ? null : new Conv2D(scope.at('skip_connection'), channels, out, skipForm);
  }

  /**
   * @param x features [B,H,W,C]
   * @param emb time embedding [B,embChannels]
   * @param rng source of dropout; without it nothing is dropped
   * @param recompute false: keep activations, also where the block is set to recompute them
   * @returns [B,H',W',outChannels]
   */
  forward(p: Params, x: tf.Tensor4D, emb: tf.Tensor2D, rng?: Rng, recompute = true): tf.Tensor4D {
    const run = (p: Params, x: tf.Tensor, emb: tf.Tensor) =>
      tf.tidy(() => this.compute(p, x as tf.Tensor4D, emb as tf.Tensor2D, rng));
    if (!this.config.useCheckpoint || !recompute) return run(p, x, emb);
    return checkpoint(run, p.under(this.scope.path), x, emb);
  }

  private compute(p: Params, x: tf.Tensor4D, emb: tf.Tensor2D, rng?: Rng): tf.Tensor4D {
    const scaled = this.embProj.forward(p, silu(emb)); // [B,out] or [B,2 out]
    const perImage = tf.reshape(scaled, [scaled.shape[0]!, 1, 1, scaled.shape[1]!]);
    let h = this.inConv.forward(p, this.resample(this.inNorm.forward(p, x, 'silu')));
    if (this.config.useScaleShiftNorm) {
      const [scale, shift] = tf.split(perImage, 2, 3);
      h = silu(tf.add(tf.mul(this.outNorm.forward(p, h), tf.add(scale!, 1)), shift!));
    } else {
      h = this.outNorm.forward(p, tf.add(h, perImage), 'silu');
    }
    h = this.outConv.forward(p, dropout(h, this.config.dropout, rng?.split(this.scope.path)));
    const resampled = this.resample(x);
    return tf.add(this.skip ? this.skip.forward(p, resampled) : resampled, h);
  }

  private resample(x: tf.Tensor4D): tf.Tensor4D {
    if (this.config.up) return upsampleNearest2x(x);
    return this.config.down ? avgPool2x(x) : x;
  }
}
