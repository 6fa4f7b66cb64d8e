import * as tf from '@tensorflow/tfjs-core';
import { kaiming, zeros } from './init.js';
import { hasKernel } from './kernel.js';
import type { Params } from './params.js';
import type { Init, ParamKey, Scope } from './scope.js';
import { upsampleNearest2x } from './upsample.js';
import { upsampleConv2d } from './upsample-conv2d.js';

/** Rows and columns of zeros around an image: [[top, bottom], [left, right]]. */
export type Padding = readonly [readonly [number, number], readonly [number, number]];

/** Options of `conv2d`. */
export interface ConvOptions {
  /** Step along both axes; 1 by default. */
  readonly stride?: number;
  /** Zeros on all sides, or per side; 0 by default. */
  readonly pad?: number | Padding;
  /** Make every pixel a 2x2 square first; no by default. */
  readonly upsample?: boolean;
}

/**
 * Two-dimensional convolution (cross-correlation, as everywhere in deep learning) on any backend, with gradients.
 * @param x [B,H,W,C] @param w [kh,kw,C,D]
 * @returns [B,H',W',D], H' = floor((H + top + bottom - kh) / stride) + 1, with 2 H for H where it upsamples
 */
export function conv2d(x: tf.Tensor4D, w: tf.Tensor4D, options: ConvOptions = {}): tf.Tensor4D {
  const { stride = 1, pad = 0, upsample = false } = options;
  if (upsample) {
    const asOne = stride === 1 && pad === 1 && w.shape[0] === 3 && w.shape[1] === 3;
    return asOne ? upsampleConv2d(x, w) : conv2d(upsampleNearest2x(x), w, { stride, pad });
  }
  const [[top, bottom], [left, right]] = typeof pad === 'number' ? sides(pad) : pad;
  if (top === 0 && bottom === 0 && left === 0 && right === 0) return tf.conv2d(x, w, stride, 'valid');
  const [height, width] = [x.shape[1], x.shape[2]];
  const [kh, kw] = [w.shape[0], w.shape[1]];
  if (isSame(height, kh, stride, top, bottom) && isSame(width, kw, stride, left, right)) {
    return tf.conv2d(x, w, stride, 'same');
  }
  if (hasKernel('ExplicitConvGradients')) {
    return tf.conv2d(x, w, stride, [
      [0, 0],
      [top, bottom],
      [left, right],
      [0, 0],
    ]);
  }
  const padded = tf.pad(x, [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ]);
  return tf.conv2d(padded, w, stride, 'valid');
}

function sides(pad: number): Padding {
  return [
    [pad, pad],
    [pad, pad],
  ];
}

/** True if TensorFlow's 'same' would pad exactly so: ceil(n / stride) outputs, the odd zero at the end. */
function isSame(n: number, k: number, stride: number, before: number, after: number): boolean {
  const total = Math.max((Math.ceil(n / stride) - 1) * stride + k - n, 0);
  return before === Math.floor(total / 2) && after === total - before;
}

/** Options of `Conv2D`. */
export interface Conv2DOptions {
  /** Height and width of the kernel; 3 by default. */
  readonly kernel?: number;
  /** Step along both axes; 1 by default. */
  readonly stride?: number;
  /** Zeros on all sides, or per side; floor(kernel / 2) by default, which keeps the size of an odd kernel at stride 1. */
  readonly pad?: number | Padding;
  /** Make every pixel a 2x2 square first; no by default. */
  readonly upsample?: boolean;
  /** Add a bias [out]; true by default. */
  readonly bias?: boolean;
  /** Start weight and bias at zero, so that a residual branch starts as nothing. */
  readonly zero?: boolean;
  /** First weights; uniform ±1/sqrt(kernel^2 in) by default. */
  readonly init?: Init;
  /** First biases; as the weights' default. */
  readonly biasInit?: Init;
}

/** A convolution layer. Keys `weight` [kh,kw,in,out] (in the file [out,in,kh,kw]) and `bias` [out]. */
export class Conv2D {
  private readonly weight: ParamKey<tf.Rank.R4>;
  private readonly bias: ParamKey<tf.Rank.R1> | undefined;
  private readonly options: ConvOptions;

  constructor(scope: Scope, inC: number, outC: number, options: Conv2DOptions = {}) {
    const { kernel = 3, stride = 1, pad = kernel >> 1, upsample = false, bias = true, zero = false } = options;
    const standard = zero ? zeros : kaiming(kernel * kernel * inC);
    const { init = standard, biasInit = standard } = options;
    this.weight = scope.param('weight', [kernel, kernel, inC, outC], init, {
      ...{ factor: true, file: { shape: [outC, inC, kernel, kernel], perm: [2, 3, 1, 0] } },
    });
    this.bias = bias ? scope.param('bias', [outC], biasInit) : undefined;
    this.options = { stride, pad, upsample };
  }

  /** @param x [B,H,W,in] @returns [B,H',W',out] */
  forward(p: Params, x: tf.Tensor4D): tf.Tensor4D {
    const y = conv2d(x, p.of(this.weight), this.options);
    return this.bias ? tf.add(y, p.of(this.bias)) : y;
  }
}
