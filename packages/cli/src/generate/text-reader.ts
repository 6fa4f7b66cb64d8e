import { LatentDiffusionCompose } from '@codiff/codiff';
import { BERTEmbedder, BertTokenizer, type LatentDiffusion } from '@codiff/ldm-core';
import { loadBertVocabulary } from '@codiff/ldm-core/node';
import type * as tf from '@tensorflow/tfjs-core';
import { InputError } from '../input-error.js';

/** Length at which texts are counted. */
const COUNTED = 8192;
/** [CLS] and [SEP]. */
const MARKS = 2;
/** What ends every text. */
const SEP = 102;

/** Texts as the model takes them: ids of word pieces, in lower case. */
export class TextReader {
  private constructor(
    private readonly tokenizer: BertTokenizer,
    private readonly counter: BertTokenizer,
  ) {}

  /** @throws InputError if the model reads no texts */
  static async of(model: LatentDiffusion | LatentDiffusionCompose): Promise<TextReader> {
    const encoder = model instanceof LatentDiffusionCompose ? model.condStage.encoder('text') : model.condStage;
    if (!(encoder instanceof BERTEmbedder) || !encoder.config.useTokenizer) {
      throw new InputError('the config has no text encoder with a tokenizer (use_tokenizer), which --input_text needs');
    }
    const vocabulary = await loadBertVocabulary();
    const { maxSeqLen } = encoder.config;
    return new TextReader(new BertTokenizer(vocabulary, maxSeqLen), new BertTokenizer(vocabulary, COUNTED));
  }

  /** Ids of a text, int32 [1,L]. The caller owns them. */
  ids(text: string): tf.Tensor2D {
    return this.tokenizer.encode([text.toLowerCase()]);
  }

  /** Word pieces of a text, and how many of them the model reads. */
  count(text: string): { readonly pieces: number; readonly read: number } {
    const pieces = this.counter.ids(text.toLowerCase()).indexOf(SEP) - 1;
    return { pieces, read: Math.min(pieces, this.tokenizer.maxLength - MARKS) };
  }
}
