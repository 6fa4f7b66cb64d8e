import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readLogLines } from '../src/index.js';

const STEPS = 14;
const PROGRAM = fileURLToPath(new URL('./children/train-run.ts', import.meta.url));

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'resume-'));
});
afterEach(() => rmSync(root, { recursive: true }));

interface Life {
  readonly child: ChildProcess;
  /** Let it begin: it has loaded everything, and waits. */
  go(): void;
  /** When the first batch was done. */
  readonly working: Promise<void>;
  readonly end: Promise<{ code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string }>;
}

function live(folder: string, steps = STEPS): Life {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const args = ['--conditions=@codiff/source', '--import', 'tsx', PROGRAM, folder, String(steps)];
  const child = spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  const end: Life['end'] = new Promise((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  const started = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk;
      resolve();
    });
  });
  const go = (): void => {
    child.stdin.end('go');
  };
  return { child, go, end, working: Promise.race([started, end.then(() => undefined)]) };
}

/** Everything of the log that a seed decides: no times. */
async function curve(folder: string): Promise<string[]> {
  const lines = await readLogLines(join(folder, 'log.jsonl'));
  return lines.map((line) => {
    if (!('scalars' in line)) throw new Error('a line without scalars');
    const decided = Object.entries(line.scalars).filter(([name]) => !name.startsWith('speed/'));
    return JSON.stringify([line.step, ...decided]);
  });
}

/** A small generator with a seed, so that a failure can be seen again. */
function moments(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const isWriting = (checkpoints: string): boolean =>
  existsSync(checkpoints) && readdirSync(checkpoints).some((name) => name.endsWith('.tmp'));

it('ten kills at random moments, half of them while a checkpoint is written, change no bit of what follows', async () => {
  const [straight, broken] = ['straight', 'broken'].map((name) => mkdtempSync(join(root, name))) as [string, string];
  const random = moments(20261122);
  const whole = live(straight);
  whole.go();

  const checkpoints = join(broken, 'checkpoints');
  let inWriting = 0;
  let standby = live(broken);
  for (let kill = 0; kill < 10; kill++) {
    const { child, go, working, end } = standby;
    go();
    let over = false;
    end.then(() => {
      over = true;
    });
    // One kill comes while the process starts.
    if (kill === 3) await sleep(500 * random());
    else await working;
    if (kill % 2 === 0) {
      const skip = Math.floor(3 * random());
      for (let seen = 0, before = false; !over && seen <= skip; await sleep(1)) {
        const now = isWriting(checkpoints);
        if (now && !before) seen++;
        before = now;
      }
    } else if (kill !== 3) await sleep(700 * random());
    child.kill('SIGKILL');
    standby = live(broken);
    const { code, signal, stderr } = await end;
    if (isWriting(checkpoints)) inWriting++;
    // A life may have come to the end of the run before it was killed.
    expect(signal === 'SIGKILL' || code === 0, stderr).toBe(true);
  }
  expect(inWriting).toBeGreaterThan(0);
  standby.go();
  const last = await standby.end;
  expect([last.code, last.stderr]).toEqual([0, '']);
  expect((await whole.end).code).toBe(0);

  expect(await curve(broken)).toEqual(await curve(straight));
  const files = (folder: string) => readdirSync(join(folder, 'checkpoints')).sort();
  expect(files(broken)).toEqual(files(straight));
  expect(files(broken)).toHaveLength(3);
  for (const file of files(straight)) {
    const [a, b] = [broken, straight].map((folder) => readFileSync(join(folder, 'checkpoints', file)));
    expect(a!.equals(b!), file).toBe(true);
  }
}, 300_000);

it('USR1 writes last.ckpt while training goes on; a request to end stops and saves', async () => {
  const { child, go, working, end } = live(root, 10_000);
  go();
  const last = join(root, 'checkpoints', 'last.ckpt');
  await working;
  rmSync(last, { force: true });
  child.kill('SIGUSR1');
  for (let i = 0; i < 1000 && !existsSync(last); i++) await sleep(10);
  expect(existsSync(last)).toBe(true);
  child.kill('SIGTERM');
  const { code, stdout, stderr } = await end;
  expect([code, stdout.trim().split('\n').at(-1), stderr]).toEqual([0, 'asked', '']);
}, 120_000);
