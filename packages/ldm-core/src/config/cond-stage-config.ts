import { z } from 'zod';
import { count, flag, ignored, probability, target } from './fields.js';
import { ruleOf, withRules } from './rules.js';

const bertFields = z.strictObject({
  /** Width of a token. */
  nEmbed: count(),
  nLayer: count(),
  vocabSize: count().default(30522),
  /** Length that texts are padded to. */
  maxSeqLen: count().default(77),
  device: ignored('the backend decides where tensors live'),
  /** false: the input is token ids, of any length up to `maxSeqLen`. */
  useTokenizer: flag().default(true),
  embeddingDropout: probability().default(0),
});

const bertRule = ruleOf<z.output<typeof bertFields>>();

/** Largest id that the tokenizer gives to every text: [SEP]. */
const SEP = 102;

/** `ldm.modules.encoders.modules.BERTEmbedder`: arguments, defaults and what they may be (original, 19.7). */
export const BertEmbedderConfig = withRules(
  bertFields,
  bertRule(['vocabSize', 'useTokenizer'], function* ({ vocabSize, useTokenizer }) {
    if (!useTokenizer || vocabSize > SEP) return;
    yield {
      path: ['vocabSize'],
      message: `the tokenizer ends every text with id ${SEP}, and ${vocabSize} rows hold ids up to ${vocabSize - 1}`,
      suggestion: 'use 30522, or set use_tokenizer: false',
    };
  }),
);

/** {@link BertEmbedderConfig} with its defaults applied. */
export type BertEmbedderConfig = z.output<typeof BertEmbedderConfig>;

/** `ldm.modules.encoders.modules.SegMaskEncoder`: arguments, defaults and what they may be (original, 19.7). */
export const SegMaskEncoderConfig = z.strictObject({
  segMaskEncoderConfig: target('maskEncoder'),
  /** Pixels of the mask's one-hot map, e.g. 32x32. */
  maskEmbedDim: count().default(1024),
  contextDim: count().default(640),
});

/** {@link SegMaskEncoderConfig} with its defaults applied. */
export type SegMaskEncoderConfig = z.output<typeof SegMaskEncoderConfig>;

/** `ldm.modules.encoders.modules.PassSegMaskEncoder`: no arguments; casts to float. */
export const PassSegMaskEncoderConfig = z.strictObject({});

/** {@link PassSegMaskEncoderConfig}. */
export type PassSegMaskEncoderConfig = z.output<typeof PassSegMaskEncoderConfig>;
