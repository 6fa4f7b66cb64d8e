import { z } from 'zod';
import { count, counts, flag, note, oneOf, only, probability, target, text } from './fields.js';
import { grouped } from './groups.js';
import { type Finding, ruleOf, withRules } from './rules.js';

const ddFields = z.looseObject({
  ch: count(),
  numResBlocks: count(),
  zChannels: count(),
  /** Read by the encoder only. */
  inChannels: count(),
  /** Read by the decoder only. */
  outCh: count(),
  /** Feature-map sizes, counted from `resolution`, at which attention follows a block. */
  attnResolutions: counts(),
  resolution: count(),
  doubleZ: only(true, 'the encoder must give mean and log-variance'),
  chMult: counts().nonempty({ error: 'wanted at least one level' }).default([1, 2, 4, 8]),
  dropout: probability().default(0),
  resampWithConv: flag().default(true),
  attnType: oneOf(['vanilla', 'none', 'linear']).default('vanilla'),
  /** Says `attnType: 'linear'` another way, and wins over it. */
  useLinearAttn: flag().default(false),
  tanhOut: flag().default(false),
  givePreEnd: flag().default(false),
});

const ddRule = ruleOf<z.output<typeof ddFields>>();

/** `ddconfig` of the autoencoder, handed to encoder and decoder alike; other keys are ignored (original, 19.5). */
export const DdConfig = withRules(
  ddFields,
  ddRule(['ch'], ({ ch }) => grouped(['ch'], ch)),
  ddRule(['resolution', 'attnResolutions', 'chMult'], function* ({ resolution, attnResolutions, chMult }) {
    const reached = reachedSizes(resolution, chMult.length);
    for (const [i, size] of attnResolutions.entries()) {
      if (reached.includes(size)) continue;
      yield {
        path: ['attnResolutions', i],
        message: `a feature map of size ${size} is never reached: ${chMult.length} levels from ${resolution} have ${reached.join(', ')}`,
        suggestion: `use one of ${reached.join(', ')} (sizes, not downsampling factors)`,
      } satisfies Finding;
    }
  }),
);

/** {@link DdConfig} with its defaults applied. */
export type DdConfig = z.output<typeof DdConfig>;

/** `ldm.models.autoencoder.AutoencoderKL`: arguments, defaults and what they may be (original, 19.5). */
export const AutoencoderConfig = z.strictObject({
  ddconfig: DdConfig,
  lossconfig: target('loss'),
  embedDim: count(),
  ckptPath: text().nullable().default(null),
  ignoreKeys: z.array(text(), { error: 'wanted a list of key prefixes' }).default([]),
  /** Batch key of the image. */
  imageKey: text().default('image'),
  /** Metric that ranks the best 10 checkpoints; null: no ranking. */
  monitor: text().nullable().default(null),
  colorizeNlabels: count().nullable().default(null),
  /** Ours: a schedule of both learning rates, as diffusion models have one. */
  schedulerConfig: note(target('lrSchedule').nullable().default(null), { role: 'lrSchedule' }),
});

/** {@link AutoencoderConfig} with its defaults applied. */
export type AutoencoderConfig = z.output<typeof AutoencoderConfig>;

/** Sizes that encoder (halving, rounding down) or decoder (doubling the smallest) counts through, largest first. */
function reachedSizes(resolution: number, levels: number): number[] {
  const smallest = Math.floor(resolution / 2 ** (levels - 1));
  const sizes = Array.from({ length: levels }, (_, i) => [Math.floor(resolution / 2 ** i), smallest * 2 ** i]).flat();
  return [...new Set(sizes)].filter((size) => size > 0).sort((a, b) => b - a);
}
