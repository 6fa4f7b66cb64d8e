import { existsSync } from 'node:fs';
import { DataError } from './data-error.js';

const ROOTS = ['dataset/', 'datasets/'] as const;

/**
 * The path of a data file or folder. The original's README says `dataset/`, its code `datasets/` (quirk 14): a path under
 * one of them is also looked for under the other, in the same place.
 * @param what for the message: 'image_folder'
 * @throws DataError naming every path tried
 */
export function resolveDataPath(path: string, what: string): string {
  const tried = [path, ...otherRoots(path)];
  const found = tried.find((candidate) => existsSync(candidate));
  if (found !== undefined) return found;
  throw new DataError({
    file: path,
    problem: `${what}: no such file or folder${tried.length > 1 ? ` (nor ${tried.slice(1).join(', ')})` : ''}`,
    advice: "put the data there, set the path in the config, or make a set of drawn faces with 'codiff dataset synth'",
  });
}

/** The same path under the other root, if it starts with one or has one inside. */
function otherRoots(path: string): string[] {
  for (const [i, root] of ROOTS.entries()) {
    const at = path.startsWith(root) ? 0 : path.lastIndexOf(`/${root}`) + 1;
    const other = ROOTS[1 - i]!;
    if (at > 0 || path.startsWith(root)) return [path.slice(0, at) + other + path.slice(at + root.length)];
  }
  return [];
}
