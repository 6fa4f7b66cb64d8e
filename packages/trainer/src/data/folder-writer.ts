import { existsSync, readdirSync, rmdirSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { DataError } from './data-error.js';

/**
 * Make a folder so that it is there whole or not at all: filled beside its place, then renamed. What an interrupted run of
 * the same folder left beside it is removed.
 * @param fill writes into the folder it is given
 * @throws DataError if `path` is there and holds anything, and if the disk is full; what `fill` throws
 */
export async function writeFolder(path: string, fill: (folder: string) => Promise<void>): Promise<void> {
  const target = resolve(path);
  if (existsSync(target) && !isEmptyFolder(target)) {
    const advice = 'give another --out, or remove it first';
    throw new DataError({ file: path, problem: 'is there already and not an empty folder', advice });
  }
  const parent = dirname(target);
  await mkdir(parent, { recursive: true });
  const prefix = `.${basename(target)}.`;
  for (const name of await readdir(parent)) {
    const owner = name.startsWith(prefix) && /^(\d+)\.partial$/.exec(name.slice(prefix.length))?.[1];
    if (owner && !isRunning(Number(owner))) await rm(join(parent, name), { recursive: true, force: true });
  }
  const partial = join(parent, `${prefix}${process.pid}.partial`);
  await mkdir(partial);
  try {
    await fill(partial);
    if (existsSync(target)) rmdirSync(target);
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw isFullDisk(error) ? diskFull(path, error) : error;
  }
}

const isFullDisk = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');

/** The system's own words name no file. */
function diskFull(path: string, cause: unknown): DataError {
  const advice = 'nothing was left there; make room, or give an --out on another disk';
  return new DataError({ file: path, problem: 'the disk is full', advice }, { cause });
}

function isEmptyFolder(path: string): boolean {
  try {
    return readdirSync(path).length === 0;
  } catch {
    return false;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
