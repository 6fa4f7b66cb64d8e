import type { OutputResult } from '../run/run-case.js';

/** A folder of data that is no case, but has something of ours to hold against it. */
export interface DataCheck {
  /** By which `--kinds` selects it. */
  readonly name: string;
  /** The file by which such a folder is recognised; its own name means nothing. */
  readonly file: string;
  /** One line of the report for each thing compared. */
  readonly check: (folder: string) => Promise<OutputResult[]>;
}
