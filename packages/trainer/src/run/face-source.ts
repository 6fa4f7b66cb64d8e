import { BertTokenizer } from '@codiff/ldm-core';
import { loadBertVocabulary } from '@codiff/ldm-core/node';
import type { FaceBatch } from '../data/loader/collate.js';
import type { FaceLoader } from '../data/loader/face-loader.js';
import type { ReadTokens } from '../images/condition-pictures.js';
import type { BatchSource, HostBatch, HostTensor } from '../loop/batch-source.js';

/** Turns a batch's captions into ids, or leaves them out. */
export type Tokenize = ((texts: readonly string[]) => HostTensor) | null;

/** A tokenizer of captions. @param length of every result; null: captions are not read */
export async function captionTokenizer(length: number | null): Promise<Tokenize> {
  if (length === null) return null;
  const tokenizer = new BertTokenizer(await loadBertVocabulary(), length);
  return (texts) => {
    const values = new Int32Array(texts.length * length);
    texts.forEach((text, i) => void values.set(tokenizer.ids(text), i * length));
    return { values, shape: [texts.length, length] };
  };
}

/** Reads ids back as words: special entries and padding left out, pieces of words joined. */
export async function captionReader(): Promise<ReadTokens> {
  const vocabulary = await loadBertVocabulary();
  return (ids) => {
    const words = [...ids].map((id) => vocabulary[id] ?? '?').filter((word) => !/^\[(PAD|CLS|SEP)\]$/.test(word));
    return words
      .reduce((text, word) => (word.startsWith('##') ? text + word.slice(2) : `${text} ${word}`), '')
      .trim()
      .replace(/ ([.,;:!?])/g, '$1');
  };
}

/**
 * Faces as the training takes them: `image` [B,H,W,3], and what of conditions there is: `caption` and, as collaborative
 * models call it, `text` (ids [B,L]), `seg_mask` (one-hot [B,19,1024]), `sketch` [B,1,1024].
 * @param change puts something else in a batch's place
 */
export function faceSource(
  loader: FaceLoader,
  tokenize: Tokenize,
  change: (batch: HostBatch, read: FaceBatch) => Promise<HostBatch> = async (batch) => batch,
): BatchSource {
  return {
    length: loader.batchesPerEpoch,
    async *epoch(epoch, from) {
      if (from === loader.batchesPerEpoch) return;
      const { position } = loader;
      // Batches that were read ahead are kept where they are the ones wanted.
      if (position.epoch !== epoch || position.batch !== from) loader.seek({ epoch, batch: from });
      for (let i = from; i < loader.batchesPerEpoch; i++) {
        const read = await loader.next();
        yield await change(hostBatch(read, tokenize), read);
      }
    },
  };
}

/** A batch that was read, by the original's keys. */
export function hostBatch({ image, imageShape, text, segMask, sketch }: FaceBatch, tokenize: Tokenize): HostBatch {
  const B = imageShape[0];
  const ids = text && tokenize ? tokenize(text) : undefined;
  return {
    image: { values: image, shape: imageShape },
    ...(ids ? { caption: ids, text: ids } : {}),
    ...(segMask ? { seg_mask: { values: segMask, shape: [B, 19, segMask.length / (B * 19)] } } : {}),
    ...(sketch ? { sketch: { values: sketch, shape: [B, 1, sketch.length / B] } } : {}),
  };
}
