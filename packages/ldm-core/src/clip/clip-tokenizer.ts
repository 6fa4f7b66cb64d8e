import { Tokenizer } from '@huggingface/tokenizers';
import * as tf from '@tensorflow/tfjs-core';

/** Text to the byte pairs that CLIP reads: start token, text, end token, filled up with the end token. */
export class ClipTokenizer {
  private readonly tokenizer: Tokenizer;

  /**
   * @param file content of the model's `tokenizer.json` @param length of every result @param ends ids of the start and end token
   * @throws Error if the file is no tokenizer
   */
  constructor(
    file: object,
    private readonly length = 77,
    private readonly ends: readonly [start: number, end: number] = [49406, 49407],
  ) {
    this.tokenizer = new Tokenizer(file, {});
  }

  /** Ids of one text, of any length below {@link length}; longer ones are cut. */
  ids(text: string): number[] {
    const [start, end] = this.ends;
    const { ids } = this.tokenizer.encode(text, { add_special_tokens: false });
    const kept = ids.slice(0, this.length - 2);
    return [start, ...kept, ...new Array<number>(this.length - 1 - kept.length).fill(end)];
  }

  /** @returns int32 [B, length]. The caller owns them. */
  encode(texts: readonly string[]): tf.Tensor2D {
    return tf.tensor2d(
      texts.flatMap((text) => this.ids(text)),
      [texts.length, this.length],
      'int32',
    );
  }
}
