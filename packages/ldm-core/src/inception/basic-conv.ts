import * as tf from '@tensorflow/tfjs-core';
import { BatchNorm2D } from '../nn/batch-norm.js';
import { conv2d, type Padding } from '../nn/conv2d.js';
import { kaiming } from '../nn/init.js';
import type { Params } from '../nn/params.js';
import type { ParamKey, Scope } from '../nn/scope.js';

/** A kernel as Inception has them: a side, or [height, width]. */
export type Kernel = number | readonly [number, number];

/** Step and border of a convolution. */
export interface BasicConvOptions {
  /** 1 by default. */
  readonly stride?: number;
  /** Keep height and width (zeros around); else no border. Default true. */
  readonly same?: boolean;
}

/** Convolution without bias, batch normalization (epsilon 1e-3), ReLU. Keys `conv.weight`, `bn.*`. */
export class BasicConv {
  private readonly weight: ParamKey<tf.Rank.R4>;
  private readonly norm: BatchNorm2D;
  private readonly stride: number;
  private readonly pad: Padding;

  constructor(
    scope: Scope,
    inC: number,
    outC: number,
    kernel: Kernel,
    { stride = 1, same = true }: BasicConvOptions = {},
  ) {
    const [kh, kw] = typeof kernel === 'number' ? [kernel, kernel] : kernel;
    this.weight = scope.param('conv.weight', [kh, kw, inC, outC], kaiming(kh * kw * inC), {
      ...{ factor: true, file: { shape: [outC, inC, kh, kw], perm: [2, 3, 1, 0] } },
    });
    this.norm = new BatchNorm2D(scope.at('bn'), outC, { epsilon: 1e-3 });
    this.stride = stride;
    const [rows, columns] = same ? [kh >> 1, kw >> 1] : [0, 0];
    this.pad = [
      [rows, rows],
      [columns, columns],
    ];
  }

  /** @param x [B,H,W,in] @returns [B,H',W',out] */
  forward(p: Params, x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() =>
      tf.relu(this.norm.forward(p, conv2d(x, p.of(this.weight), { stride: this.stride, pad: this.pad }))),
    );
  }
}

/** Convolutions one after the other. */
export const inTurn = (p: Params, x: tf.Tensor4D, layers: readonly BasicConv[]): tf.Tensor4D =>
  layers.reduce((h, layer) => layer.forward(p, h), x);
