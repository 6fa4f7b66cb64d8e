import { z } from 'zod';
import { count, counts, flag, headCount, ignored, number, only, probability, whole } from './fields.js';
import { GROUPS, grouped } from './groups.js';
import { ruleOf, withRules } from './rules.js';

const dims = () => only(2, 'layers of 1 or 3 dimensions refuse images').default(2);

const resBlock = z.strictObject({
  channels: count(),
  embChannels: count(),
  dropout: probability(),
  /** null: as many as come in. */
  outChannels: count().nullable().default(null),
  /** A 3x3 instead of a 1x1 convolution on the skip path, where channels change. */
  useConv: flag().default(false),
  useScaleShiftNorm: flag().default(false),
  dims: dims(),
  useCheckpoint: flag().default(false),
  up: flag().default(false),
  down: flag().default(false),
});
const resBlockRule = ruleOf<z.output<typeof resBlock>>();

/** `…openaimodel.ResBlock` (original, 19.9). */
export const ResBlockConfig = withRules(
  resBlock,
  resBlockRule(['channels'], ({ channels }) => grouped(['channels'], channels)),
  resBlockRule(['outChannels'], ({ outChannels }) => grouped(['outChannels'], outChannels ?? GROUPS)),
);
/** {@link ResBlockConfig} with its defaults applied. */
export type ResBlockConfig = z.output<typeof ResBlockConfig>;

const attentionBlock = z.strictObject({
  channels: count(),
  numHeads: count().default(1),
  /** Width of a head; wins over `numHeads`. */
  numHeadChannels: headCount().default(-1),
  useCheckpoint: ignored('the block is never checkpointed'),
  useNewAttentionOrder: flag().default(false),
});
const attentionBlockRule = ruleOf<z.output<typeof attentionBlock>>();

/** `…openaimodel.AttentionBlock` (original, 19.9). */
export const AttentionBlockConfig = withRules(
  attentionBlock,
  attentionBlockRule(['channels'], ({ channels }) => grouped(['channels'], channels)),
  attentionBlockRule(['channels', 'numHeads', 'numHeadChannels'], function* ({ channels, numHeads, numHeadChannels }) {
    const byWidth = numHeadChannels !== -1;
    if (channels % (byWidth ? numHeadChannels : numHeads) === 0) return;
    yield {
      path: [byWidth ? 'numHeadChannels' : 'numHeads'],
      message: byWidth
        ? `heads of ${numHeadChannels} channels do not divide ${channels} channels`
        : `${numHeads} heads do not divide ${channels} channels`,
      suggestion: `use a divisor of ${channels}`,
    };
  }),
);
/** {@link AttentionBlockConfig} with its defaults applied. */
export type AttentionBlockConfig = z.output<typeof AttentionBlockConfig>;

const resample = z.strictObject({
  channels: count(),
  useConv: flag(),
  dims: dims(),
  /** null: as many as come in. */
  outChannels: count().nullable().default(null),
  padding: whole(0).default(1),
});
const resampleRule = ruleOf<z.output<typeof resample>>();

/** `…openaimodel.Upsample` (original, 19.9). */
export const UpsampleConfig = resample;
/** {@link UpsampleConfig} with its defaults applied. */
export type UpsampleConfig = z.output<typeof UpsampleConfig>;

/** `…openaimodel.Downsample` (original, 19.9). */
export const DownsampleConfig = withRules(
  resample,
  resampleRule(['channels', 'useConv', 'outChannels'], function* ({ channels, useConv, outChannels }) {
    if (useConv || outChannels === null || outChannels === channels) return;
    yield {
      path: ['outChannels'],
      message: `pooling cannot turn ${channels} channels into ${outChannels}`,
      suggestion: 'set use_conv: true, or remove out_channels',
    };
  }),
);
/** {@link DownsampleConfig} with its defaults applied. */
export type DownsampleConfig = z.output<typeof DownsampleConfig>;

const spatialTransformer = z.strictObject({
  inChannels: count(),
  nHeads: count(),
  dHead: count(),
  depth: count().default(1),
  dropout: probability().default(0),
  /** null: cross-attention reads a context of the inner width. */
  contextDim: count().nullable().default(null),
});
const spatialTransformerRule = ruleOf<z.output<typeof spatialTransformer>>();

/** `ldm.modules.attention.SpatialTransformer` (original, 19.9). */
export const SpatialTransformerConfig = withRules(
  spatialTransformer,
  spatialTransformerRule(['inChannels'], ({ inChannels }) => grouped(['inChannels'], inChannels)),
);
/** {@link SpatialTransformerConfig} with its defaults applied. */
export type SpatialTransformerConfig = z.output<typeof SpatialTransformerConfig>;

/** `ldm.modules.attention.BasicTransformerBlock` (original, 19.9). */
export const BasicTransformerBlockConfig = z.strictObject({
  dim: count(),
  nHeads: count(),
  dHead: count(),
  dropout: probability().default(0),
  /** null: a context as wide as the tokens. */
  contextDim: count().nullable().default(null),
  /** false: Linear, GELU, Linear. */
  gatedFf: flag().default(true),
  checkpoint: flag().default(true),
});
/** {@link BasicTransformerBlockConfig} with its defaults applied. */
export type BasicTransformerBlockConfig = z.output<typeof BasicTransformerBlockConfig>;

/** `ldm.modules.attention.GEGLU` (original, 19.9). */
export const GegluConfig = z.strictObject({ dimIn: count(), dimOut: count() });
/** {@link GegluConfig}. */
export type GegluConfig = z.output<typeof GegluConfig>;

const resnetBlock = z.strictObject({
  inChannels: count(),
  /** null: as many as come in. */
  outChannels: count().nullable().default(null),
  /** A 3x3 `conv_shortcut` in place of the 1x1 `nin_shortcut`, where channels change. */
  convShortcut: flag().default(false),
  dropout: probability(),
  /** Width of the time embedding; 0: none (the VAE). */
  tembChannels: whole(0).default(512),
});
const resnetBlockRule = ruleOf<z.output<typeof resnetBlock>>();

/** `ldm.modules.diffusionmodules.model.ResnetBlock` (original, 19.9). */
export const ResnetBlockConfig = withRules(
  resnetBlock,
  resnetBlockRule(['inChannels'], ({ inChannels }) => grouped(['inChannels'], inChannels)),
  resnetBlockRule(['outChannels'], ({ outChannels }) => grouped(['outChannels'], outChannels ?? GROUPS)),
);
/** {@link ResnetBlockConfig} with its defaults applied. */
export type ResnetBlockConfig = z.output<typeof ResnetBlockConfig>;

const attnBlock = z.strictObject({ inChannels: count() });
const attnBlockRule = ruleOf<z.output<typeof attnBlock>>();

/** `ldm.modules.diffusionmodules.model.AttnBlock` (original, 19.9). */
export const AttnBlockConfig = withRules(
  attnBlock,
  attnBlockRule(['inChannels'], ({ inChannels }) => grouped(['inChannels'], inChannels)),
);
/** {@link AttnBlockConfig}. */
export type AttnBlockConfig = z.output<typeof AttnBlockConfig>;

/** `ldm.modules.diffusionmodules.model.Downsample` (original, 19.9). */
export const VaeDownsampleConfig = z.strictObject({ inChannels: count(), withConv: flag() });
/** {@link VaeDownsampleConfig}. */
export type VaeDownsampleConfig = z.output<typeof VaeDownsampleConfig>;

/** `torch.nn.LayerNorm` (original, 19.9). */
export const LayerNormConfig = z.strictObject({
  /** The extent of the last axis, or the extents of several last axes. */
  normalizedShape: z.union([count(), counts().nonempty()], {
    error: 'wanted the extent of the last axis, or a list of extents',
  }),
  eps: number().default(1e-5),
});
/** {@link LayerNormConfig} with its defaults applied. */
export type LayerNormConfig = z.output<typeof LayerNormConfig>;

const groupNorm = z.strictObject({ numGroups: count(), numChannels: count(), eps: number().default(1e-5) });
const groupNormRule = ruleOf<z.output<typeof groupNorm>>();

/** `torch.nn.GroupNorm` (original, 19.9). */
export const GroupNormConfig = withRules(
  groupNorm,
  groupNormRule(['numGroups', 'numChannels'], function* ({ numGroups, numChannels }) {
    if (numChannels % numGroups === 0) return;
    yield {
      path: ['numGroups'],
      message: `${numGroups} groups do not divide ${numChannels} channels`,
      suggestion: `use a divisor of ${numChannels}`,
    };
  }),
);
/** {@link GroupNormConfig} with its defaults applied. */
export type GroupNormConfig = z.output<typeof GroupNormConfig>;

/** `torch.nn.GELU`: no arguments (the exact erf form). */
export const GeluConfig = z.strictObject({});
/** {@link GeluConfig}. */
export type GeluConfig = z.output<typeof GeluConfig>;
