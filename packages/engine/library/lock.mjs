/**
 * A lock between processes that survives a killed owner. The lock is a file that names its owner; the owner touches it
 * while it works. It spares double work only: what is published under it is renamed into place, so even two owners at
 * once (possible when one is taken for dead) leave a whole result.
 */
import { closeSync, openSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolder } from './disk.mjs';

const touchEvery = 5_000;
const deadAfter = 60_000;

/** @typedef {{pid: number, host: string, token: string}} Owner */

/** @returns {Owner} */
const me = () => ({
  pid: process.pid,
  host: hostname(),
  token: `${process.pid}-${Math.random().toString(36).slice(2)}`,
});

/** @param {string} path @returns {Owner | null} */
export function readOwner(path) {
  try {
    const owner = JSON.parse(readFileSync(path, 'utf8'));
    return typeof owner?.pid === 'number' && typeof owner.host === 'string' ? owner : null;
  } catch {
    return null;
  }
}

/**
 * Whether the owner named by a file is still at work: its process lives, or, on another machine of a shared home, it
 * touched the file within the last minute.
 * @param {string} path
 * @returns {boolean} false also when the file is gone
 */
export function ownerAlive(path) {
  let age;
  try {
    age = Date.now() - statSync(path).mtimeMs;
  } catch {
    return false;
  }
  if (age > deadAfter) return false;
  const owner = readOwner(path);
  // Just made and not yet written: give it the benefit of the doubt until it is old.
  if (!owner || owner.host !== hostname()) return true;
  try {
    process.kill(owner.pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/**
 * Writes an owner file and keeps it fresh. Where it cannot be written, on a full disk, none is left: a file without a
 * name in it would pass for an owner that is about to write it.
 * @param {string} path must not exist
 * @returns {() => void} stops and removes the file, if it is still ours
 */
export function own(path) {
  const owner = me();
  const file = openSync(path, 'wx');
  try {
    writeFileSync(file, JSON.stringify(owner));
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
  const timer = setInterval(() => {
    try {
      if (readOwner(path)?.token === owner.token) utimesSync(path, new Date(), new Date());
    } catch {
      // Removed under us: nothing is left to keep fresh.
    }
  }, touchEvery);
  timer.unref();
  return () => {
    clearInterval(timer);
    if (readOwner(path)?.token === owner.token) rmSync(path, { force: true });
  };
}

/**
 * Runs work while holding the lock; waits as long as another owner is alive.
 * @template T
 * @param {string} path of the lock file; its folder is made
 * @param {() => Promise<T>} work
 * @param {{onWait?: (owner: Owner | null) => void, signal?: AbortSignal, pollMs?: number}} [options] onWait: called once
 * @returns {Promise<T>}
 */
export async function withLock(path, work, { onWait, signal, pollMs = 100 } = {}) {
  makeFolder(dirname(path));
  let waited = false;
  for (;;) {
    signal?.throwIfAborted();
    let release;
    try {
      release = own(path);
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
      if (!ownerAlive(path)) {
        rmSync(path, { force: true });
        continue;
      }
      if (!waited) onWait?.(readOwner(path));
      waited = true;
      await sleep(pollMs, undefined, signal ? { signal } : {});
      continue;
    }
    try {
      return await work();
    } finally {
      release();
    }
  }
}
