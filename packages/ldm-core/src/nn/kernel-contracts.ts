/**
 * The kernels this package asks for by name. A backend that registers one of them is used; any other backend gets the
 * composition of plain tfjs-core ops that lives beside each op. Inputs and outputs are float32 unless said otherwise;
 * whatever the storage precision, statistics, softmax and `erf` are computed in float32. Every kernel returns an array.
 *
 * The types are the contract; the comments are the definition that both implementations meet.
 */
import type * as tf from '@tensorflow/tfjs-core';

type Tensors<K extends string> = { readonly [name in K]: tf.TensorInfo };

/** What one kernel reads, is told and returns. */
export interface KernelContract {
  readonly inputs: { readonly [name: string]: tf.TensorInfo };
  readonly attrs: object;
  readonly outputs: readonly tf.TensorInfo[];
}

/** `groups` divides C; `activation` is applied to the affine output. */
export type GroupNormAttrs = {
  groups: number;
  epsilon: number;
  activation: 'none' | 'silu';
};

/** Biased variance; `epsilon` is added to it before the root. */
export type LayerNormAttrs = {
  epsilon: number;
};

/** `heads` divides the width of q, k and v; the logits are multiplied by `scale`. */
export type AttentionAttrs = {
  heads: number;
  scale: number;
};

/** Decay rates of the first and second moment, rounded to float32 so that 1 - beta is exact in float32. */
export type AdamUpdateAttrs = {
  beta1: number;
  beta2: number;
};

/** Shape of a draw. */
export type DrawAttrs = {
  shape: number[];
};

/** Strides, padding and shape of the gradients of tfjs's convolution. */
type Conv2DGradAttrs = { strides: number; pad: string; dataFormat: string; dimRoundingMode: string };

/** Every kernel name, with its inputs, attributes and outputs. */
export interface KernelContracts {
  /**
   * x [B, ..., C], scale [C], offset [C] -> y like x. Over each sample and each group of C/groups consecutive channels
   * (all positions): xHat = (x - mean) / sqrt(var + epsilon), var biased; z = xHat scale + offset; y = z, or
   * z sigmoid(z) for 'silu'. Wu & He 2018, eq. 1-5.
   */
  GroupNorm: { inputs: Tensors<'x' | 'scale' | 'offset'>; attrs: GroupNormAttrs; outputs: [y: tf.TensorInfo] };
  /**
   * Its gradient. dz = dy (or dy s (1 + z (1 - s)), s = sigmoid(z)); dscale = sum dz xHat and doffset = sum dz over
   * everything but C; g = dz scale; dx = (g - mean(g) - xHat mean(g xHat)) / sqrt(var + epsilon), means over the group.
   */
  GroupNormGrad: {
    inputs: Tensors<'dy' | 'x' | 'scale' | 'offset'>;
    attrs: GroupNormAttrs;
    outputs: [dx: tf.TensorInfo, dscale: tf.TensorInfo, doffset: tf.TensorInfo];
  };
  /** x [..., D], scale [D], offset [D] -> y like x: as GroupNorm over the last axis alone. Ba et al. 2016. */
  LayerNorm: { inputs: Tensors<'x' | 'scale' | 'offset'>; attrs: LayerNormAttrs; outputs: [y: tf.TensorInfo] };
  /** As GroupNormGrad, means over the last axis. */
  LayerNormGrad: {
    inputs: Tensors<'dy' | 'x' | 'scale' | 'offset'>;
    attrs: LayerNormAttrs;
    outputs: [dx: tf.TensorInfo, dscale: tf.TensorInfo, doffset: tf.TensorInfo];
  };
  /** y = x Phi(x), Phi(x) = (1 + erf(x / sqrt 2)) / 2. Hendrycks & Gimpel 2016; never the tanh approximation. */
  Gelu: { inputs: Tensors<'x'>; attrs: object; outputs: [y: tf.TensorInfo] };
  /** dx = dy (Phi(x) + x phi(x)), phi(x) = exp(-x^2 / 2) / sqrt(2 pi). */
  GeluGrad: { inputs: Tensors<'dy' | 'x'>; attrs: object; outputs: [dx: tf.TensorInfo] };
  /** x [..., 2D] = [value | gate] -> value gelu(gate) [..., D]. Shazeer 2020. */
  Geglu: { inputs: Tensors<'x'>; attrs: object; outputs: [y: tf.TensorInfo] };
  /** dx [..., 2D] = [dy gelu(gate) | dy value gelu'(gate)]. */
  GegluGrad: { inputs: Tensors<'dy' | 'x'>; attrs: object; outputs: [dx: tf.TensorInfo] };
  /** y = x sigmoid(x). */
  Silu: { inputs: Tensors<'x'>; attrs: object; outputs: [y: tf.TensorInfo] };
  /** dx = dy s (1 + x (1 - s)), s = sigmoid(x). */
  SiluGrad: { inputs: Tensors<'dy' | 'x'>; attrs: object; outputs: [dx: tf.TensorInfo] };
  /**
   * q [B,N,h·d], k [B,M,h·d], v [B,M,h·e] -> y [B,N,h·e]. Heads are consecutive channel groups; per head
   * softmax(scale q k^T) v. At most one copy of the logits [B,h,N,M] is held. Vaswani et al. 2017, eq. 1.
   */
  Attention: { inputs: Tensors<'q' | 'k' | 'v'>; attrs: AttentionAttrs; outputs: [y: tf.TensorInfo] };
  /**
   * With P the softmax, recomputed: dv = P^T dy; dP = dy v^T; dS = P (dP - sum_M(P dP)); dq = scale dS k;
   * dk = scale dS^T q. As y = P v, sum_M(P dP) = sum_e(dy y).
   */
  AttentionGrad: {
    inputs: Tensors<'dy' | 'q' | 'k' | 'v' | 'y'>;
    attrs: AttentionAttrs;
    outputs: [dq: tf.TensorInfo, dk: tf.TensorInfo, dv: tf.TensorInfo];
  };
  /** x [B,H,W,C] -> y [B,2H,2W,C], y[i,j] = x[floor(i/2), floor(j/2)]. */
  UpsampleNearest2x: { inputs: Tensors<'x'>; attrs: object; outputs: [y: tf.TensorInfo] };
  /** dy [B,2H,2W,C] -> dx [B,H,W,C], the sum of each 2x2 square. */
  UpsampleNearest2xGrad: { inputs: Tensors<'dy'>; attrs: object; outputs: [dx: tf.TensorInfo] };
  /** x [B,H,W,C], filter [3,3,C,D] -> y [B,2H,2W,D]: UpsampleNearest2x, then a convolution with a zero on each side. */
  UpsampleConv2D: { inputs: Tensors<'x' | 'filter'>; attrs: object; outputs: [y: tf.TensorInfo] };
  /** Its gradient by both. */
  UpsampleConv2DGrad: {
    inputs: Tensors<'dy' | 'x' | 'filter'>;
    attrs: object;
    outputs: [dx: tf.TensorInfo, dfilter: tf.TensorInfo];
  };
  /**
   * One parameter's Adam step; lr, epsilon and decay are scalars.
   * m' = m + (1 - beta1)(grad - m); v' = beta2 v + (1 - beta2) grad^2;
   * param' = param - decay param - lr m' / (sqrt(v') + epsilon).
   * The caller folds the bias corrections in: see optim/adamw.ts.
   */
  AdamUpdate: {
    inputs: Tensors<'param' | 'm' | 'v' | 'grad' | 'lr' | 'epsilon' | 'decay'>;
    attrs: AdamUpdateAttrs;
    outputs: [param: tf.TensorInfo, m: tf.TensorInfo, v: tf.TensorInfo];
  };
  /** shadow' = shadow - rate (shadow - value); rate is a scalar. */
  EmaUpdate: { inputs: Tensors<'shadow' | 'value' | 'rate'>; attrs: object; outputs: [shadow: tf.TensorInfo] };
  /** Inputs x0 .. x(n-1) of any shapes -> the square root of the sum of all squares, a scalar. */
  GlobalNorm: {
    inputs: { readonly [name: `x${number}`]: tf.TensorInfo };
    attrs: object;
    outputs: [norm: tf.TensorInfo];
  };
  /**
   * Identity on x0 .. x(n-1), returned in this order; dy is not read. A backend that traces makes every output wait for
   * dy and keeps whatever is computed from the outputs apart from what was computed from the inputs.
   */
  RecomputeBarrier: {
    inputs: { readonly [name: string]: tf.TensorInfo };
    attrs: object;
    outputs: tf.TensorInfo[];
  };
  /** tfjs's own: dy [B,H',W',D], filter [kh,kw,C,D] -> dx of `inputShape`. */
  Conv2DBackpropInput: {
    inputs: Tensors<'dy' | 'filter'>;
    attrs: Conv2DGradAttrs & { inputShape: number[] };
    outputs: [dx: tf.TensorInfo];
  };
  /** tfjs's own: x [B,H,W,C], dy [B,H',W',D] -> dfilter of `filterShape`. */
  Conv2DBackpropFilter: {
    inputs: Tensors<'x' | 'dy'>;
    attrs: Conv2DGradAttrs & { filterShape: number[] };
    outputs: [dfilter: tf.TensorInfo];
  };
  /** Draws of TensorFlow's op of this name; seed is int32 [2]. See random.ts for the definition. */
  StatelessRandomNormal: { inputs: Tensors<'seed'>; attrs: DrawAttrs; outputs: [draws: tf.TensorInfo] };
  /** The same, uniform in [0, 1). */
  StatelessRandomUniform: { inputs: Tensors<'seed'>; attrs: DrawAttrs; outputs: [draws: tf.TensorInfo] };
  /** The same, int32 in [low, high). */
  StatelessRandomUniformInt: {
    inputs: Tensors<'seed'>;
    attrs: DrawAttrs & { readonly low: number; readonly high: number };
    outputs: [draws: tf.TensorInfo];
  };
}

/** A kernel of this package. */
export type KernelName = keyof KernelContracts;
