/** Something given to a command that it cannot use: a file, a text, a folder. The message is one line and says what would be right. */
export class InputError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(withoutBreaks(message), options);
  }
}

/** A message that quotes what a user gave may have got line breaks from there. */
export const withoutBreaks = (message: string): string => message.replaceAll(/\s*[\r\n]+\s*/g, ' ');

/** The message of another part's error as one line. */
export const oneLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error))
    .split('\n')
    .map((line) => line.trim().replace(/;$/, '').replace(/^; */, ''))
    .filter((line) => line !== '')
    .join('; ');
