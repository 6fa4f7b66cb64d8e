import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BertTokenizer, bertVocabularyText } from '@codiff/ldm-core';
import { loadBertVocabulary } from '@codiff/ldm-core/node';
import { z } from 'zod';
import { describeProblems } from '../cases/problems.js';
import type { DataCheck } from './data-check.js';
import { same } from './lines.js';

const Tokens = z.strictObject({
  vocab: z.string(),
  vocab_txt_sha256: z.string(),
  vocab_txt_bytes: z.number(),
  vocab_txt_form: z.string(),
  max_length: z.number().int().positive(),
  padding: z.literal('max_length'),
  cases: z.array(z.strictObject({ text: z.string(), ids: z.array(z.number().int()) })).nonempty(),
});

/** `tokens.json`: the vocabulary to the byte, and texts with their ids. */
export const bertTokens: DataCheck = {
  name: 'bert_tokens',
  file: 'tokens.json',
  check: async (folder) => {
    const path = join(folder, 'tokens.json');
    const parsed = Tokens.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    if (!parsed.success) throw new Error(describeProblems(parsed.error, path));
    const { vocab_txt_sha256: hash, vocab_txt_bytes: bytes, max_length: length, cases } = parsed.data;
    const vocabulary = await loadBertVocabulary();
    const text = bertVocabularyText(vocabulary);
    const tokenizer = new BertTokenizer(vocabulary, length);
    return [
      same('vocabulary bytes', Buffer.byteLength(text), bytes),
      same('vocabulary SHA-256', createHash('sha256').update(text).digest('hex'), hash),
      ...cases.map(({ text, ids }, i) =>
        same(`text ${i} ${JSON.stringify(text).slice(0, 40)}`, [...tokenizer.ids(text)], ids),
      ),
    ];
  },
};
