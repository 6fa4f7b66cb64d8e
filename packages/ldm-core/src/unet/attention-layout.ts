import type { Scope } from '../nn/scope.js';
import { AttentionBlock } from './attention-block.js';
import { SpatialTransformer } from './spatial-transformer.js';

/** The part of a UNet's config that decides what its attention looks like. */
export interface AttentionLayoutConfig {
  readonly numHeads: number;
  readonly numHeadChannels: number;
  readonly numHeadsUpsample: number;
  readonly legacy: boolean;
  readonly useSpatialTransformer: boolean;
  readonly useNewAttentionOrder: boolean;
  readonly transformerDepth: number;
  readonly contextDim: number | null;
  readonly useCheckpoint: boolean;
}

/** Heads of an attention layer; -1 as a width: as many channels as the heads leave. */
export interface Heads {
  readonly heads: number;
  readonly dimHead: number;
}

/**
 * Heads of a spatial transformer over `channels`. `numHeadChannels`, if given, wins over `numHeads`; `legacy` then takes
 * the width from the number of heads again, which differs where the division leaves a rest.
 */
export function transformerHeads(config: AttentionLayoutConfig, channels: number): Heads {
  const { numHeads, numHeadChannels, legacy } = config;
  const heads = numHeadChannels === -1 ? numHeads : Math.floor(channels / numHeadChannels);
  const dimHead = numHeadChannels === -1 || legacy ? Math.floor(channels / heads) : numHeadChannels;
  return { heads, dimHead };
}

/**
 * Heads of an AttentionBlock over `channels`. `numHeadsUpsample` counts in output blocks only, and there only if `legacy`
 * and no `numHeadChannels`: otherwise a width is fixed first, and it wins over any number of heads.
 */
export function attentionBlockHeads(config: AttentionLayoutConfig, channels: number, output: boolean): Heads {
  const { numHeads, numHeadChannels, numHeadsUpsample, legacy } = config;
  const upsample = output && numHeadsUpsample !== -1;
  if (legacy) return { heads: upsample ? numHeadsUpsample : numHeads, dimHead: numHeadChannels };
  return { heads: numHeads, dimHead: numHeadChannels === -1 ? Math.floor(channels / numHeads) : numHeadChannels };
}

/** Declare the attention layer that a UNet of this config has over `channels`. */
export function attentionLayer(
  scope: Scope,
  config: AttentionLayoutConfig,
  channels: number,
  { output }: { readonly output: boolean },
): SpatialTransformer | AttentionBlock {
  if (config.useSpatialTransformer) {
    const { heads, dimHead } = transformerHeads(config, channels);
    return new SpatialTransformer(scope, {
      inChannels: channels,
      nHeads: heads,
      dHead: dimHead,
      depth: config.transformerDepth,
      contextDim: config.contextDim,
      checkpoint: config.useCheckpoint,
    });
  }
  const { heads, dimHead } = attentionBlockHeads(config, channels, output);
  return new AttentionBlock(scope, {
    channels,
    numHeads: heads,
    numHeadChannels: dimHead,
    useNewAttentionOrder: config.useNewAttentionOrder,
  });
}
