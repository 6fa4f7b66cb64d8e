import { z } from 'zod';
import { count, counts, flag, headCount, note, number, only, probability } from './fields.js';
import { grouped } from './groups.js';
import { ruleOf, withRules } from './rules.js';

const fields = z.strictObject({
  imageSize: note(z.union([count(), counts()], { error: 'wanted a size' }), {
    ignored: 'the network is convolutional; the size of its input decides',
  }),
  inChannels: count(),
  modelChannels: count(),
  outChannels: count(),
  numResBlocks: count(),
  /** Downsampling factors at which attention follows a res-block. */
  attentionResolutions: counts(),
  channelMult: counts().nonempty({ error: 'wanted at least one level' }).default([1, 2, 4, 8]),
  dropout: probability().default(0),
  numHeads: headCount().default(-1),
  /** Width of a head; wins over `numHeads`. */
  numHeadChannels: headCount().default(-1),
  numHeadsUpsample: headCount().default(-1),
  useSpatialTransformer: flag().default(false),
  contextDim: count().nullable().default(null),
  transformerDepth: count().default(1),
  legacy: flag().default(true),
  convResample: flag().default(true),
  resblockUpdown: flag().default(false),
  useScaleShiftNorm: flag().default(false),
  useNewAttentionOrder: flag().default(false),
  dims: only(2, 'networks of 1 or 3 dimensions refuse images').default(2),
  numClasses: count().nullable().default(null),
  nEmbed: count().nullable().default(null),
  useCheckpoint: flag().default(false),
  useFp16: only(false, 'the weights stay float32, so the first convolution fails').default(false),
  enableFreeu: flag().default(false),
  b1: number().default(1.1),
  b2: number().default(1.2),
  s1: number().default(1),
  s2: number().default(1),
  /** Ours: let FreeU find its stages by this UNet's own width instead of the original's fixed 576 and 384 channels. */
  freeuRelative: flag().default(false),
});

type Fields = z.output<typeof fields>;
const rule = ruleOf<Fields>();

/** `ldm.modules.diffusionmodules.openaimodel.UNetModel`: arguments, defaults and what they may be (original, 19.4). */
export const UNetConfig = withRules(
  fields,
  rule(['modelChannels'], ({ modelChannels }) => grouped(['modelChannels'], modelChannels)),
  rule(['attentionResolutions', 'channelMult'], function* ({ attentionResolutions, channelMult }) {
    const reached = channelMult.map((_, level) => 2 ** level);
    for (const [i, factor] of attentionResolutions.entries()) {
      if (reached.includes(factor)) continue;
      yield {
        path: ['attentionResolutions', i],
        message: `downsampling factor ${factor} is never reached: ${channelMult.length} levels have ${reached.join(', ')}`,
        suggestion: `use one of ${reached.join(', ')}, or another number of levels in channel_mult`,
      };
    }
  }),
  rule(['useSpatialTransformer', 'contextDim'], function* ({ useSpatialTransformer, contextDim }) {
    if (useSpatialTransformer && contextDim === null) {
      yield {
        path: ['contextDim'],
        message: 'use_spatial_transformer is true, so the width of the context must be given',
        suggestion: 'set context_dim to the width of the condition encoder',
      };
    }
    if (!useSpatialTransformer && contextDim !== null) {
      yield {
        path: ['contextDim'],
        message: `context_dim is ${contextDim}, but nothing reads a context: use_spatial_transformer is false`,
        suggestion: 'set use_spatial_transformer: true, or remove context_dim',
      };
    }
  }),
  rule(['numHeads', 'numHeadChannels'], function* ({ numHeads, numHeadChannels }) {
    if (numHeads !== -1 || numHeadChannels !== -1) return;
    yield {
      path: ['numHeads'],
      message: 'neither num_heads nor num_head_channels is given',
      suggestion: 'set one of the two',
    };
  }),
  rule(
    [
      'modelChannels',
      'channelMult',
      'attentionResolutions',
      'numHeads',
      'numHeadChannels',
      'numHeadsUpsample',
      'useSpatialTransformer',
      'legacy',
    ],
    function* (config) {
      const { numHeads, numHeadChannels, numHeadsUpsample, useSpatialTransformer, legacy } = config;
      const widths = attentionChannels(config);
      if (numHeadChannels !== -1) {
        for (const ch of widths) {
          const heads = Math.floor(ch / numHeadChannels);
          // The spatial transformer takes a remainder as long as the heads it leaves divide the channels (`legacy` then
          // decides the width of a head); AttentionBlock takes none.
          if (useSpatialTransformer ? heads > 0 && ch % heads === 0 : ch % numHeadChannels === 0) continue;
          yield {
            path: ['numHeadChannels'],
            message: `heads of ${numHeadChannels} channels do not divide the ${ch} channels of an attention layer`,
            suggestion: `use a common divisor of ${widths.join(', ')}`,
          };
        }
        return;
      }
      if (numHeads !== -1) yield* undivided('numHeads', numHeads, widths);
      if (numHeadsUpsample !== -1 && !useSpatialTransformer && legacy) {
        yield* undivided('numHeadsUpsample', numHeadsUpsample, attentionChannels(config, false));
      }
    },
  ),
);

/** {@link UNetConfig} with its defaults applied. */
export type UNetConfig = z.output<typeof UNetConfig>;

/** Widths inside the spatial transformers, heads times width of a head, of a config that has them. */
export function attentionWidths(config: UNetConfig): number[] {
  const { numHeadChannels, legacy } = config;
  // Heads divide the channels (a rule above), so only `num_head_channels` without `legacy` can leave some out.
  const inner = (ch: number) => (numHeadChannels === -1 || legacy ? ch : ch - (ch % numHeadChannels));
  return [...new Set(attentionChannels(config).map(inner))];
}

/** Channel counts at which the network has attention: the levels asked for, and the middle (which always has it). */
function attentionChannels(
  config: Pick<Fields, 'modelChannels' | 'channelMult' | 'attentionResolutions'>,
  middle = true,
): number[] {
  const { modelChannels, channelMult, attentionResolutions } = config;
  const last = channelMult.length - 1;
  const widths = channelMult
    .filter((_, level) => attentionResolutions.includes(2 ** level) || (middle && level === last))
    .map((mult) => modelChannels * mult);
  return [...new Set(widths)];
}

function* undivided(field: 'numHeads' | 'numHeadsUpsample', heads: number, widths: readonly number[]) {
  for (const ch of widths) {
    if (ch % heads === 0) continue;
    yield {
      path: [field],
      message: `${heads} heads do not divide the ${ch} channels of an attention layer`,
      suggestion: `use a common divisor of ${widths.join(', ')}`,
    };
  }
}
