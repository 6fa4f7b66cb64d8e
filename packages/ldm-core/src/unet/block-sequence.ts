import * as tf from '@tensorflow/tfjs-core';
import type { Conv2D } from '../nn/conv2d.js';
import type { Rng } from '../nn/dropout.js';
import type { Params } from '../nn/params.js';
import type { AttentionBlock } from './attention-block.js';
import type { Context, ContextKeys } from './context-keys.js';
import type { Downsample } from './downsample.js';
import { ResBlock } from './res-block.js';
import { SpatialTransformer } from './spatial-transformer.js';
import type { Upsample } from './upsample.js';

/** Any layer of a UNet's input, middle or output block. */
export type UNetLayer = Conv2D | ResBlock | SpatialTransformer | AttentionBlock | Downsample | Upsample;

/** Sees the output of a part, by its path within the model (`input_blocks.3`, `middle_block.1`, `out`). Owns nothing. */
export type ActivationObserver = (path: string, activation: tf.Tensor) => void;

/** What a layer may need besides the features. */
export interface LayerInputs {
  /** Time embedding [B,4C]. */
  readonly emb: tf.Tensor2D;
  readonly context: Context;
  readonly rng?: Rng | undefined;
  /** false: keep all activations. */
  readonly recompute?: boolean | undefined;
  readonly onActivation?: ActivationObserver | undefined;
}

/** One entry of `input_blocks` or `output_blocks`, or the `middle_block`: layers in order, keyed `0`, `1`, ... */
export class BlockSequence {
  constructor(
    /** Path within the UNet. */
    readonly path: string,
    private readonly layers: readonly UNetLayer[],
  ) {}

  /** Keys and values of the cross-attentions in here. @param context [B,L,D] */
  contextKeys(p: Params, context: tf.Tensor3D): ContextKeys {
    const transformers = this.layers.filter((layer) => layer instanceof SpatialTransformer);
    return Object.assign({}, ...transformers.map((layer) => layer.contextKeys(p, context)));
  }

  /** @param x [B,H,W,C] @returns [B,H',W',C'] */
  forward(p: Params, x: tf.Tensor4D, inputs: LayerInputs): tf.Tensor4D {
    return tf.tidy(() => {
      const h = this.layers.reduce((h, layer, i) => {
        const y = run(layer, p, h, inputs);
        inputs.onActivation?.(`${this.path}.${i}`, y);
        return y;
      }, x);
      inputs.onActivation?.(this.path, h);
      return h;
    });
  }
}

function run(layer: UNetLayer, p: Params, x: tf.Tensor4D, inputs: LayerInputs): tf.Tensor4D {
  const { emb, context, rng, recompute } = inputs;
  if (layer instanceof ResBlock) return layer.forward(p, x, emb, rng, recompute);
  if (layer instanceof SpatialTransformer) return layer.forward(p, x, context, rng, recompute);
  return layer.forward(p, x);
}
