import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockRun } from './run-lock.js';

let folder: string;
let child: ChildProcess | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lock-'));
});
afterEach(() => {
  child?.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

/** A lock as another run leaves it. */
const leave = (pid: number, started: string | null, host = hostname()): void =>
  writeFileSync(join(folder, 'run.lock'), JSON.stringify({ host, pid, started }));

const startOf = (pid: number): string =>
  readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')[19]!;

it('keeps a second run out of a folder, and is gone afterwards', async () => {
  const unlock = await lockRun(folder);
  await expect(lockRun(folder)).rejects.toThrow(`process ${process.pid}`);
  await unlock();
  expect(readdirSync(folder)).toEqual([]);
});

it('takes over from a process that is not there, or has the number of one that was', async () => {
  // Above the largest process id of Linux and macOS.
  leave(2 ** 22 + 1, '1');
  await (await lockRun(folder))();
  leave(process.pid, '1');
  await (await lockRun(folder))();
  expect(readdirSync(folder)).toEqual([]);
});

it('of another machine nothing is known: it counts as running, at once', async () => {
  leave(2 ** 22 + 1, null, 'elsewhere');
  await expect(lockRun(folder)).rejects.toThrow(/process \d+ on elsewhere is training here.*delete run\.lock/);
});

describe.skipIf(process.platform !== 'linux')('a process that was killed', () => {
  it('is waited for while it ends; one that goes on is not, for long', async () => {
    child = spawn('sleep', ['60']);
    leave(child.pid!, startOf(child.pid!));
    await expect(lockRun(folder, 150)).rejects.toThrow(`process ${child.pid} on ${hostname()} is training here`);
    setTimeout(() => child!.kill('SIGKILL'), 150);
    await (await lockRun(folder))();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('has ended also where nobody has asked how', async () => {
    // The inner process ends; the outer one, which started it, never looks.
    child = spawn('sh', ['-c', 'sleep 0.1 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const pid = Number(await new Promise((resolve) => child!.stdout!.once('data', resolve)));
    leave(pid, startOf(pid));
    for (let i = 0; i < 100 && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')); i++) await sleep(20);
    await (await lockRun(folder, 0))();
    expect(readdirSync(folder)).toEqual([]);
  });
});
