/** Folders that are written to, and what it means when the disk refuses. */
import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { LibraryError } from './errors.mjs';

/** What each code of the system says about a folder. */
const refusals = /** @type {Readonly<Record<string, string>>} */ ({
  EACCES: 'its permissions forbid it',
  EPERM: 'the system forbids it',
  EROFS: 'its disk is read-only',
  ENOTDIR: 'a file is where a folder should be',
  EEXIST: 'a file or a broken link is where a folder should be',
  ENOENT: 'a part of its path is missing and cannot be made',
});

/** @param {unknown} error @returns {string} empty when it is no error of the system */
const codeOf = (error) => /** @type {NodeJS.ErrnoException | null} */ (error)?.code ?? '';

/** Whether the disk, or what the user may have of it, is full. @param {unknown} error */
export const isFull = (error) => codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT';

/**
 * Makes a folder and those above it. `mkdirSync` with `recursive` never returns in Node 20 where a folder that exists
 * takes no others and says ENOENT, as /proc does.
 * @param {string} dir
 */
export function makeFolder(dir) {
  try {
    makeOne(dir);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || dirname(dir) === dir) throw error;
    makeFolder(dirname(dir));
    makeOne(dir);
  }
}

/** @param {string} dir may exist */
function makeOne(dir) {
  try {
    mkdirSync(dir);
  } catch (error) {
    // A folder may also be there where we could not have made it: on a read-only disk.
    if (!statSync(dir, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}

/**
 * Turns the system's refusal to write below a folder into an error that says what to do.
 * @param {unknown} error
 * @param {string} dir
 * @param {{what: string, advice: string}} words what the folder is, and what to do, to stand after 'to go on, '
 * @returns {LibraryError | null} null when the error is something else
 */
export function notWritable(error, dir, { what, advice }) {
  const code = codeOf(error);
  const reason = refusals[code];
  const path = /** @type {NodeJS.ErrnoException | null} */ (error)?.path;
  // Another file's error, such as that of a missing program, says nothing about the folder.
  if (!reason || typeof path !== 'string' || !(path.startsWith(dir) || dir.startsWith(path))) return null;
  const at = path === dir ? '' : `, at ${path}`;
  return new LibraryError(
    'not-writable',
    `${what} ${dir} cannot be written (${code}${at}): ${reason}. To go on, ${advice}`,
    {
      cause: error,
    },
  );
}
