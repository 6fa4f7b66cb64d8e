import { withoutBreaks } from './input-error.js';

/** Flags or arguments that fit no command. */
export class UsageError extends Error {
  constructor(message: string) {
    super(withoutBreaks(message));
  }
}
