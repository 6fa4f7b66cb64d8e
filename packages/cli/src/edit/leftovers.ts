import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FILES } from './imagic-files.js';

/** A file that is being written has been touched within this time. */
const AT_WORK_MS = 10 * 60_000;

/**
 * Remove what a run that was killed in the middle of a save has left: hidden files of the tuned weights, of gigabytes each.
 * Those that another run may still be writing stay.
 */
export async function removeLeftovers(folder: string): Promise<void> {
  const starts = [FILES.weights, FILES.partWeights].map((name) => `.${name}.`);
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.tmp') || !starts.some((start) => name.startsWith(start))) continue;
    const path = join(folder, name);
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > AT_WORK_MS) await rm(path, { force: true });
  }
}
