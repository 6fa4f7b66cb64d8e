import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ownerAlive, withLock } from '../../library/lock.mjs';
import { fillDisk } from './full-disk.js';

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'codiff-lock-'));
  path = join(dir, 'deep', 'lock');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const deadPid = 2 ** 22 + 1; // above the largest process id of Linux and macOS
const leave = (owner: object, ageSeconds = 0) => {
  writeFileSync(path, JSON.stringify(owner));
  const then = new Date(Date.now() - ageSeconds * 1000);
  utimesSync(path, then, then);
};

it('lets one at a time through, says once that it waits, and leaves nothing', async () => {
  let inside = 0;
  let waits = 0;
  const work = async () => {
    inside += 1;
    expect(inside).toBe(1);
    await sleep(30);
    inside -= 1;
    return waits;
  };
  const onWait = () => {
    waits += 1;
  };
  await Promise.all([1, 2, 3].map(() => withLock(path, work, { pollMs: 5, onWait })));
  expect(waits).toBe(2);
  expect(existsSync(path)).toBe(false);
});

it('releases the lock when the work fails', async () => {
  await expect(withLock(path, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(existsSync(path)).toBe(false);
});

it('tells a dead owner from a living one', async () => {
  await withLock(path, async () => expect(ownerAlive(path)).toBe(true));
  expect(ownerAlive(path)).toBe(false);
  leave({ pid: deadPid, host: hostname(), token: 'x' });
  expect(ownerAlive(path)).toBe(false);
  leave({ pid: process.pid, host: hostname(), token: 'x' });
  expect(ownerAlive(path)).toBe(true);
  // A process id that was given to another program: the file is not touched any more.
  leave({ pid: process.pid, host: hostname(), token: 'x' }, 61);
  expect(ownerAlive(path)).toBe(false);
  // Another machine of a shared home: only the touching tells.
  leave({ pid: deadPid, host: 'elsewhere', token: 'x' }, 10);
  expect(ownerAlive(path)).toBe(true);
  leave({ pid: deadPid, host: 'elsewhere', token: 'x' }, 61);
  expect(ownerAlive(path)).toBe(false);
});

it('takes over from a dead owner, and does not remove the lock of another', async () => {
  await withLock(path, async () => {});
  leave({ pid: deadPid, host: hostname(), token: 'x' });
  expect(await withLock(path, async () => 'done')).toBe('done');
  const stolen = JSON.stringify({ pid: process.pid, host: hostname(), token: 'theirs' });
  await withLock(path, async () => writeFileSync(path, stolen));
  expect(readFileSync(path, 'utf8')).toBe(stolen);
});

it('stops waiting when asked to', async () => {
  await withLock(path, async () => {
    const controller = new AbortController();
    const waiting = withLock(path, async () => {}, { signal: controller.signal, pollMs: 5 });
    setTimeout(() => controller.abort(new Error('enough')), 20);
    await expect(waiting).rejects.toThrow();
  });
});

it('leaves no lock behind on a full disk, so that the next one need not wait', async () => {
  const end = fillDisk();
  await expect(withLock(path, async () => 'done').finally(end)).rejects.toMatchObject({ code: 'ENOSPC' });
  expect(existsSync(path)).toBe(false);
  const onWait = () => expect.unreachable('nobody holds it');
  expect(await withLock(path, async () => 'done', { onWait })).toBe('done');
});
