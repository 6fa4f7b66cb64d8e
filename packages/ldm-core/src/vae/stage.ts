import type * as tf from '@tensorflow/tfjs-core';
import type { DdConfig } from '../config/autoencoder-config.js';
import type { Rng } from '../nn/dropout.js';
import type { Params } from '../nn/params.js';
import type { Scope } from '../nn/scope.js';
import type { ActivationObserver } from '../unet/block-sequence.js';
import { type AttnType, vaeAttention } from './attn-block.js';
import { ResnetBlock } from './resnet-block.js';

/** What a pass through encoder or decoder may take besides its input. */
export interface VaePassOptions {
  /** Source of dropout; without it nothing is dropped. */
  readonly rng?: Rng | undefined;
  /** Sees the output of every layer, by its path within the autoencoder (`encoder.mid.attn_1`). Owns nothing. */
  readonly onActivation?: ActivationObserver | undefined;
}

/** A layer of features that has a path. */
export interface VaeLayer {
  readonly path: string;
  forward(p: Params, x: tf.Tensor4D, rng?: Rng): tf.Tensor4D;
}

/** A layer without dropout, and its path. */
export function vaeLayer(scope: Scope, layer: { forward(p: Params, x: tf.Tensor4D): tf.Tensor4D }): VaeLayer {
  return { path: scope.path, forward: (p, x) => layer.forward(p, x) };
}

/**
 * Run layers in order. Every layer's input but the first is freed as soon as the layer has run: at full resolution a
 * feature map is hundreds of megabytes. (What a gradient tape saves, it holds by itself.)
 */
export function runLayers(
  layers: readonly VaeLayer[],
  p: Params,
  x: tf.Tensor4D,
  { rng, onActivation }: VaePassOptions,
): tf.Tensor4D {
  return layers.reduce((h, layer) => {
    const y = layer.forward(p, h, rng);
    onActivation?.(layer.path, y);
    if (h !== x && y !== h) h.dispose();
    return y;
  }, x);
}

/** The attention that a ddconfig asks for; `use_linear_attn` is another way to say it. */
export function attnTypeOf({ attnType, useLinearAttn }: DdConfig): AttnType {
  return useLinearAttn ? 'linear' : attnType;
}

/** Declare a residual block of a VAE: no time embedding. */
export function vaeBlock(scope: Scope, config: DdConfig, inChannels: number, outChannels: number): VaeLayer {
  const block = new ResnetBlock(scope, { inChannels, outChannels, dropout: config.dropout, tembChannels: 0 });
  return { path: scope.path, forward: (p, x, rng) => block.forward(p, x, null, rng) };
}

/** Declare an attention layer of a VAE. */
export function vaeAttn(scope: Scope, config: DdConfig, channels: number): VaeLayer {
  return vaeLayer(scope, vaeAttention(scope, attnTypeOf(config), channels));
}

/** Declare the middle of encoder or decoder: block, attention, block. Keys: `block_1`, `attn_1`, `block_2`. */
export function vaeMiddle(scope: Scope, config: DdConfig, channels: number): VaeLayer[] {
  return [
    vaeBlock(scope.at('block_1'), config, channels, channels),
    vaeAttn(scope.at('attn_1'), config, channels),
    vaeBlock(scope.at('block_2'), config, channels, channels),
  ];
}

/**
 * Declare one resolution: `count` blocks (`block.j`), each followed by attention (`attn.j`) where the config asks for it
 * at this size of feature map. All blocks are declared before all attentions, as in the checkpoint.
 */
export function vaeLevel(
  scope: Scope,
  config: DdConfig,
  {
    count,
    inChannels,
    outChannels,
    size,
  }: { readonly count: number; readonly inChannels: number; readonly outChannels: number; readonly size: number },
): VaeLayer[] {
  const blocks = Array.from({ length: count }, (_, j) =>
    vaeBlock(scope.at(`block.${j}`), config, j === 0 ? inChannels : outChannels, outChannels),
  );
  if (!config.attnResolutions.includes(size)) return blocks;
  return blocks.flatMap((block, j) => [block, vaeAttn(scope.at(`attn.${j}`), config, outChannels)]);
}
