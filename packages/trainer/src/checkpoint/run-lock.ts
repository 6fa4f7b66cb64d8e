import { readFileSync } from 'node:fs';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TrainError } from '../train-error.js';

interface Holder {
  readonly host: string;
  readonly pid: number;
  /** Tells a process from a later one of the same number; null where the system does not say. */
  readonly started: string | null;
}

/** A process that was killed is there until the system has taken its memory back: so long may that take. */
const GRACE_MS = 3000;
const POLL_MS = 100;

/**
 * Hold a run's folder for this process, so that two runs never write into one. What a killed run left is taken over.
 * @param graceMs how long to wait for the process that holds it to be gone
 * @returns what gives the folder back
 * @throws Error naming the process that holds it
 */
export async function lockRun(folder: string, graceMs = GRACE_MS): Promise<() => Promise<void>> {
  const path = join(folder, 'run.lock');
  const own: Holder = { host: hostname(), pid: process.pid, started: startOf(process.pid) };
  const mine = join(folder, `.run.lock.${process.pid}`);
  // Written first and linked then, so that the lock appears with its content, or not at all.
  await writeFile(mine, JSON.stringify(own));
  try {
    await takeLock(folder, mine, path, graceMs);
  } finally {
    await rm(mine, { force: true });
  }
  return () => rm(path, { force: true });
}

async function takeLock(folder: string, mine: string, path: string, graceMs: number): Promise<void> {
  const until = performance.now() + graceMs;
  for (;;) {
    try {
      await link(mine, path);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = await holderOf(path);
    if (holder !== null && isRunning(holder)) {
      if (holder.pid !== process.pid && holder.host === hostname() && performance.now() < until) {
        await sleep(POLL_MS);
        continue;
      }
      throw new TrainError(
        `${folder}: process ${holder.pid} on ${holder.host} is training here; give this run another folder (--name, --logdir), or end that one. If it is gone, delete run.lock`,
      );
    }
    await rm(path, { force: true });
  }
}

/** null: gone meanwhile, or not a lock that was written here. */
async function holderOf(path: string): Promise<Holder | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder;
  } catch {
    return null;
  }
}

function isRunning({ host, pid, started }: Holder): boolean {
  // Of another machine nothing is known, so it counts as running.
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  const stat = statOf(pid);
  // It has ended, and whoever started it has not asked how.
  if (stat?.[0] === 'Z') return false;
  return (stat?.[START] ?? null) === started;
}

/** When a process began, in the kernel's ticks since it did. */
const startOf = (pid: number): string | null => statOf(pid)?.[START] ?? null;

/** Of what `statOf` gives: the start. */
const START = 19;

/** What the system tells of a process, from its state on (proc(5)); null where it tells nothing. */
function statOf(pid: number): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may hold spaces.
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}
