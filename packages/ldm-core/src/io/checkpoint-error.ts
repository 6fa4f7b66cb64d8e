/** What is wrong with a checkpoint, as data. */
export interface CheckpointFault {
  /** File or source name. */
  readonly file: string;
  /** Tensor key, archive entry or pickled global the fault concerns. */
  readonly key?: string;
  /** Byte offset in the file (or in the pickle, where `key` names it). */
  readonly offset?: number;
  /** What came and what was wanted. */
  readonly problem: string;
  /** What the reader of the message can do. */
  readonly advice: string;
}

/**
 * A checkpoint that cannot be read, written or used: damaged, hostile, of another format or of another model.
 * The only error that reading a file's bytes may end in; I/O errors of the operating system pass through unchanged.
 */
export class CheckpointError extends Error implements CheckpointFault {
  override readonly name = 'CheckpointError';
  readonly file: string;
  readonly key?: string;
  readonly offset?: number;
  readonly problem: string;
  readonly advice: string;

  constructor(fault: CheckpointFault, options?: ErrorOptions) {
    const key = fault.key === undefined ? '' : `'${fault.key}': `;
    const at = fault.offset === undefined ? '' : ` (at byte ${fault.offset})`;
    super(`${fault.file}: ${key}${fault.problem}${at}; ${fault.advice}`, options);
    this.file = fault.file;
    if (fault.key !== undefined) this.key = fault.key;
    if (fault.offset !== undefined) this.offset = fault.offset;
    this.problem = fault.problem;
    this.advice = fault.advice;
  }
}

/** Advice where only another copy of the file helps. */
export const DAMAGED = 'the file is damaged or incomplete: download or save it again';
