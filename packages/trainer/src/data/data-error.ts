/** What is wrong with a data set, as data. */
export interface DataFault {
  /** The file or folder. */
  readonly file: string;
  /** What came and what was wanted. */
  readonly problem: string;
  /** What the reader of the message can do. */
  readonly advice: string;
}

/** A data set, or one file of it, that cannot be used. */
export class DataError extends Error implements DataFault {
  override readonly name = 'DataError';
  readonly file: string;
  readonly problem: string;
  readonly advice: string;

  constructor({ file, problem, advice }: DataFault, options?: ErrorOptions) {
    super(`${file}: ${problem}; ${advice}`, options);
    this.file = file;
    this.problem = problem;
    this.advice = advice;
  }
}

/** Advice about one damaged file among many. */
export const LIST_BAD = "replace the file, or list every bad sample with 'codiff dataset check'";

/** The message of whatever was thrown, on one line; libvips says the same several times over. */
export function messageOf(error: unknown): string {
  const lines = (error instanceof Error ? error.message : String(error)).split(/\s*\n\s*/);
  return [...new Set(lines)].join('; ');
}
