import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DataError } from '../data-error.js';

/**
 * Files of a folder and its subfolders by ending, in natural order (2 before 10).
 * @param endings in lower case: '.png'
 * @throws DataError where there is no such folder, or no such file in it
 */
export function listFiles(folder: string, endings: readonly string[], what: string): string[] {
  const files = walk(folder, what).filter((path) => endings.some((ending) => path.toLowerCase().endsWith(ending)));
  if (files.length > 0) return files.sort((a, b) => natural.compare(basename(a), basename(b)) || natural.compare(a, b));
  throw new DataError({
    file: folder,
    problem: `${what}: no file ending in ${endings.join(', ')}`,
    advice: 'give the folder that holds them; subfolders are looked into',
  });
}

const natural = new Intl.Collator('en', { numeric: true });

function walk(folder: string, what: string): string[] {
  try {
    if (!statSync(folder).isDirectory()) throw new Error('is no folder');
    return readdirSync(folder, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch (cause) {
    const advice = 'give the path of a folder';
    throw new DataError({ file: folder, problem: `${what}: no such folder`, advice }, { cause });
  }
}

/** A file name up to its first dot, as the original finds the files that belong to an image. */
export const stemOf = (path: string): string => basename(path).split('.')[0]!;
