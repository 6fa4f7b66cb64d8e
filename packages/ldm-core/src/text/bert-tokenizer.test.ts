import { beforeAll, describe, expect, it } from 'vitest';
import { readJson } from '../../test/parity-case.js';
import { useCpu } from '../../test/support.js';
import { loadBertVocabulary } from '../node/bert-vocabulary.js';
import { BertTokenizer } from './bert-tokenizer.js';
import { bertVocabularyText } from './bert-vocabulary.js';

interface TokenFixture {
  readonly vocab_txt_bytes: number;
  readonly max_length: number;
  readonly cases: readonly { readonly text: string; readonly ids: readonly number[] }[];
}

beforeAll(useCpu);

const fixture = readJson<TokenFixture>('bert_tokens/tokens.json');
const vocabulary = await loadBertVocabulary();

describe('BertTokenizer', () => {
  const tokenizer = new BertTokenizer(vocabulary, fixture.max_length);

  it('has the whole vocabulary', () => {
    expect(vocabulary).toHaveLength(30522);
    expect(new TextEncoder().encode(bertVocabularyText(vocabulary))).toHaveLength(fixture.vocab_txt_bytes);
  });

  it.each(fixture.cases)('gives the ids of $text', ({ text, ids }) => {
    expect([...tokenizer.ids(text)]).toEqual(ids);
  });

  it('encodes several texts as one tensor', () => {
    const [first, second] = fixture.cases;
    const ids = tokenizer.encode([first!.text, second!.text]);
    expect(ids.shape).toEqual([2, 77]);
    expect(ids.dtype).toBe('int32');
    expect([...ids.dataSync()]).toEqual([...first!.ids, ...second!.ids]);
    ids.dispose();
  });

  it('keeps [SEP] when it cuts', () => {
    const short = new BertTokenizer(vocabulary, 5);
    expect([...short.ids('this man has beard of medium length')]).toEqual([101, 2023, 2158, 2038, 102]);
  });

  it('refuses another vocabulary or no room', () => {
    expect(() => new BertTokenizer(vocabulary.slice(1))).toThrow(/30521 entries.*'\[PAD\]' belongs/);
    expect(() => new BertTokenizer(vocabulary, 1)).toThrow(/at least 2/);
  });
});
