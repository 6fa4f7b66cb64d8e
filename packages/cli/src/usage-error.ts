import { InputError, withoutBreaks } from './input-error.js';

/** Flags or arguments that fit no command. */
export class UsageError extends Error {
  constructor(message: string) {
    super(withoutBreaks(message));
  }
}

/** By name: their classes would load image libraries for every command. */
const OF_GIVEN_FILES: readonly string[] = ['ConfigError', 'CheckpointError', 'DataError'];

/** Whether an error is about what was given (flags, a config, a checkpoint, a data set): exit code 2, and no stack. */
export const isAboutInput = (error: unknown): boolean =>
  error instanceof UsageError ||
  error instanceof InputError ||
  (error instanceof Error && OF_GIVEN_FILES.includes(error.name));
