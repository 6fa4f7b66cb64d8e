/** Data-parallel training by real processes on the CPU. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { freePorts } from '../../engine/test/support/free-ports.js';
import type { TeamTask } from './children/team-run.js';

const PROGRAM = fileURLToPath(new URL('./children/team-run.ts', import.meta.url));

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'team-'));
});
afterEach(() => rmSync(root, { recursive: true }));

type Curve = Record<string, number>[];
type Report = Record<string, { why: string; progress: object; curve: Curve; weights: number }> & { failed?: string };

interface Life {
  readonly child: ChildProcess;
  readonly ready: Promise<void>;
  readonly end: Promise<{ report: Report | null; code: number | null; signal: NodeJS.Signals | null; stderr: string }>;
}

function live(task: TeamTask): Life {
  const { NODE_OPTIONS: _, TF_CPP_MIN_LOG_LEVEL: __, ...env } = process.env;
  const args = ['--conditions=@codiff/source', '--import', 'tsx', PROGRAM, JSON.stringify(task)];
  const child = spawn(process.execPath, args, { env });
  let [stdout, stderr] = ['', ''];
  const listeners = new Set<() => void>();
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk;
    for (const listener of listeners) listener();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  const end: Life['end'] = new Promise((resolve) => {
    child.on('close', (code, signal) => {
      const line = stdout.trim().split('\n').at(-1)!;
      resolve({ report: line.startsWith('{') ? (JSON.parse(line) as Report) : null, code, signal, stderr });
    });
  });
  const until = (holds: () => boolean) =>
    new Promise<void>((resolve, reject) => {
      const look = () => (holds() ? resolve() : undefined);
      listeners.add(look);
      look();
      end.then(() => (holds() ? resolve() : reject(new Error(`ended early: ${stdout}\n${stderr}`))));
    });
  const ready = until(() => stdout.startsWith('ready'));
  return { child, ready, end };
}

/** Two processes, or (`alone`) one with batches twice as large. */
async function start(task: Pick<TeamTask, 'kinds' | 'steps' | 'folder'>, alone = false): Promise<readonly Life[]> {
  const tasks = (await freePorts(alone ? 1 : 2)).map((port) => `127.0.0.1:${port}`);
  const lives = tasks.map((_, rank) => live({ ...task, tasks, rank, shares: 2 }));
  await Promise.all(lives.map(({ ready }) => ready));
  for (const { child } of lives) child.stdin!.end('go');
  return lives;
}

async function reports(lives: readonly Life[]): Promise<Report[]> {
  const ends = await Promise.all(lives.map(({ end }) => end));
  for (const { code, stderr } of ends) expect([code, stderr]).toEqual([0, '']);
  return ends.map(({ report }) => report!);
}

/** Largest difference of two curves, relative where values are above 1. */
function difference(a: Curve, b: Curve): number {
  expect(a.length).toBe(b.length);
  const differences = a.flatMap((values, i) => {
    expect(Object.keys(values)).toEqual(Object.keys(b[i]!));
    return Object.entries(values).map(([name, x]) => Math.abs(x - b[i]![name]!) / Math.max(1, Math.abs(x)));
  });
  return Math.max(...differences);
}

it('two processes have the loss curve of one with batches twice as large, and equal weights', async () => {
  const kinds = ['vae', 'vae-actnorm', 'compose', 'mask'] as const;
  const [single] = await reports(await start({ kinds, steps: 3, folder: join(root, 'single') }, true));
  const [first, second] = await reports(await start({ kinds, steps: 3, folder: join(root, 'two') }));
  for (const kind of kinds) {
    expect(first![kind]!.why).toBe('steps');
    expect(first![kind]!.weights, kind).toBe(second![kind]!.weights);
    expect(first![kind]!.curve, kind).toEqual(second![kind]!.curve);
    expect(first![kind]!.progress, kind).toEqual(single![kind]!.progress);
  }
  for (const kind of kinds) {
    expect(difference(single![kind]!.curve, first![kind]!.curve), kind).toBeLessThan(1e-5);
  }
  // The discriminator counts, by a weight that balances its gradients.
  for (const kind of ['vae', 'vae-actnorm'] as const) {
    const { 'train/disc_factor': factor, 'train/d_weight': weight } = first![kind]!.curve.at(-1)!;
    expect([factor, weight! > 0.1 && weight! < 1e4], kind).toEqual([1, true]);
  }
}, 600_000);
