import { Tokenizer } from '@huggingface/tokenizers';
import * as tf from '@tensorflow/tfjs-core';
import { BERT_VOCABULARY_SIZE } from './bert-vocabulary.js';

/** Ids with a meaning of their own in bert-base-uncased. */
const SPECIAL = { '[PAD]': 0, '[UNK]': 100, '[CLS]': 101, '[SEP]': 102, '[MASK]': 103 } as const;

/**
 * Text to token ids as bert-base-uncased does it (WordPiece: Wu et al. 2016; Devlin et al. 2019): lower case, accents
 * stripped, punctuation split, [CLS] words [SEP], cut and padded to one length. Padding is a token like any other: nothing
 * masks it later.
 */
export class BertTokenizer {
  private readonly tokenizer: Tokenizer;

  /**
   * @param vocabulary the 30522 entries in order of id (`loadBertVocabulary` of the package's node part)
   * @param maxLength length of every result, [CLS] and [SEP] included
   * @throws Error if this is not the vocabulary of bert-base-uncased, as far as its size and special entries show
   */
  constructor(
    vocabulary: readonly string[],
    readonly maxLength = 77,
  ) {
    if (!Number.isInteger(maxLength) || maxLength < 2) {
      throw new Error(`bert tokenizer: length is ${maxLength}, wanted a whole number of at least 2 ([CLS] and [SEP])`);
    }
    const misplaced = Object.entries(SPECIAL).find(([entry, id]) => vocabulary[id] !== entry);
    if (vocabulary.length !== BERT_VOCABULARY_SIZE || misplaced) {
      throw new Error(
        `bert tokenizer: got ${vocabulary.length} entries` +
          (misplaced ? `, '${vocabulary[misplaced[1]]}' at ${misplaced[1]} where '${misplaced[0]}' belongs` : '') +
          `; wanted the ${BERT_VOCABULARY_SIZE} of bert-base-uncased, see loadBertVocabulary`,
      );
    }
    this.tokenizer = new Tokenizer(
      {
        version: '1.0',
        truncation: null,
        padding: null,
        added_tokens: Object.entries(SPECIAL).map(([content, id]) => ({
          id,
          content,
          special: true,
          single_word: false,
          lstrip: false,
          rstrip: false,
          normalized: false,
        })),
        normalizer: {
          type: 'BertNormalizer',
          clean_text: true,
          handle_chinese_chars: true,
          strip_accents: null,
          lowercase: true,
        },
        pre_tokenizer: { type: 'BertPreTokenizer' },
        post_processor: null,
        decoder: null,
        model: {
          type: 'WordPiece',
          unk_token: '[UNK]',
          continuing_subword_prefix: '##',
          max_input_chars_per_word: 100,
          vocab: Object.fromEntries(vocabulary.map((entry, id) => [entry, id])),
        },
      },
      {},
    );
  }

  /** Ids of one text [maxLength]. */
  ids(text: string): Int32Array {
    const words = this.tokenizer.encode(text, { add_special_tokens: false }).ids.slice(0, this.maxLength - 2);
    const ids = new Int32Array(this.maxLength).fill(SPECIAL['[PAD]']);
    ids.set([SPECIAL['[CLS]'], ...words, SPECIAL['[SEP]']]);
    return ids;
  }

  /** Ids of several texts, int32 [B,maxLength]. The caller owns the tensor. */
  encode(texts: readonly string[]): tf.Tensor2D {
    const { maxLength } = this;
    const all = new Int32Array(texts.length * maxLength);
    texts.forEach((text, i) => void all.set(this.ids(text), i * maxLength));
    return tf.tensor2d(all, [texts.length, maxLength], 'int32');
  }
}
