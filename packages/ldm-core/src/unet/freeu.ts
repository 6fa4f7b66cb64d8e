import * as tf from '@tensorflow/tfjs-core';
import { fourierFilter } from './fourier-filter.js';

/** Factors of FreeU. */
export interface FreeUConfig {
  /** Width of the UNet; read with `freeuRelative` only. */
  readonly modelChannels: number;
  /** Stages concerned: false those of 576 and 384 channels (the original's); true those 3 and 2 times as wide as the UNet. */
  readonly freeuRelative: boolean;
  /** Factor on half the backbone features of the stage of 576 channels (or 3·modelChannels). */
  readonly b1: number;
  /** The same for the stage of 384 channels (or 2·modelChannels). */
  readonly b2: number;
  /** Factor on the lowest frequencies of the skip into the stage of 576 channels (or 3·modelChannels). */
  readonly s1: number;
  /** The same for the stage of 384 channels (or 2·modelChannels). */
  readonly s2: number;
}

/**
 * FreeU (Si et al. 2023): at the entry of an output block, strengthen the backbone and weaken the low frequencies of the
 * skip, without training. The original fixes the widths 576 and 384, which are 3 and 2 times its 192 channels: by them, a
 * UNet of another width is changed where a stage happens to be that wide, and else not at all.
 */
export class FreeU {
  constructor(private readonly config: FreeUConfig) {}

  /** @param h running features [B,H,W,C] @param skip [B,H,W,C'] @returns both, changed if C is a width concerned */
  apply(h: tf.Tensor4D, skip: tf.Tensor4D): { h: tf.Tensor4D; skip: tf.Tensor4D } {
    const { modelChannels, freeuRelative, b1, b2, s1, s2 } = this.config;
    const unit = freeuRelative ? modelChannels : 192;
    const channels = h.shape[3];
    if (channels === 3 * unit) return { h: strengthen(h, b1), skip: fourierFilter(skip, { threshold: 1, scale: s1 }) };
    if (channels === 2 * unit) return { h: strengthen(h, b2), skip: fourierFilter(skip, { threshold: 1, scale: s2 }) };
    return { h, skip };
  }
}

/** Multiply the first half of the channels. */
function strengthen(h: tf.Tensor4D, factor: number): tf.Tensor4D {
  const half = Math.floor(h.shape[3] / 2);
  const factors = Float32Array.from({ length: h.shape[3] }, (_, c) => (c < half ? factor : 1));
  return tf.tidy(() => tf.mul(h, tf.tensor1d(factors)));
}
