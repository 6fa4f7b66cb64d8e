import { join, relative, resolve, sep } from 'node:path';
import { InputError } from '../input-error.js';

/** Longest name of a file or folder, in bytes, on the file systems in use. */
const NAME_MAX = 255;
/** Longest path of a folder in which files of ours can lie, in bytes: systems take 4096 for the path of a file. */
const PATH_MAX = 4000;

/**
 * Refuses texts that the model cannot read: it was trained on English captions.
 * @param flag the flag it came from, for the error
 * @throws InputError
 */
export function checkPrompt(flag: string, prompt: string): void {
  if (!/[\p{L}\p{N}]/u.test(prompt)) {
    throw new InputError(
      `--${flag} ${prompt.trim() === '' ? 'is empty' : `'${prompt}' holds no word`}; ` +
        'wanted a sentence such as "This man has beard of medium length."',
    );
  }
  const foreign = [...prompt].find((letter) => /\p{L}/u.test(letter) && !/\p{Script=Latin}/u.test(letter));
  if (foreign !== undefined) {
    throw new InputError(
      `--${flag} holds '${foreign}', and the model has only read English; wanted a text in Latin letters`,
    );
  }
}

/**
 * The folder that a text names, as the original names it: its case is kept, and a slash makes a folder in a folder.
 * @param flag the flag that the text came from, for the error
 * @throws InputError if there can be no such folder below `folder`
 */
export function promptFolder(folder: string, prompt: string, flag = 'input_text'): string {
  const path = join(folder, prompt);
  const below = relative(folder, path);
  if (below === '' || below.split(sep)[0] === '..' || prompt.includes('\0')) {
    throw new InputError(`--${flag} '${prompt}' would lead out of the folder ${folder}, which it names a folder in`);
  }
  for (const name of below.split(sep)) {
    const bytes = Buffer.byteLength(name);
    if (bytes <= NAME_MAX) continue;
    throw new InputError(
      `--${flag} has ${[...prompt].length} characters and names the output folder, which can have ${NAME_MAX} bytes ` +
        `(this one has ${bytes}); wanted a shorter text, the model reads some 75 words at most`,
    );
  }
  const bytes = Buffer.byteLength(resolve(path));
  if (bytes > PATH_MAX) {
    throw new InputError(
      `--${flag} has ${[...prompt].length} characters and names the output folder, whose path can have ${PATH_MAX} bytes ` +
        `(this one has ${bytes}); wanted a shorter text, the model reads some 75 words at most`,
    );
  }
  return path;
}
