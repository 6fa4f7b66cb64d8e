import { type ChildProcess, spawn } from 'node:child_process';
import { type AddressInfo, createServer } from 'node:net';
import { RunFailure } from '@codiff/trainer';
import { InputError, withoutBreaks } from '../input-error.js';
import { visibleIds } from './cards.js';
import type { Devices } from './devices.js';
import { type FromWorker, TASK_VARIABLE, type ToWorker, type WorkerTask } from './worker-messages.js';

/** How long the others may take to end once one is gone. */
const GRACE_MS = 10_000;
/** Most of what a process said that is kept, to show it if that is all that is known of its end. */
const KEPT_CHARACTERS = 2000;

interface Started {
  readonly rank: number;
  readonly child: ChildProcess;
  state: 'starting' | 'ready' | 'done' | 'ended';
  /** What it said went wrong. */
  failure: Extract<FromWorker, { kind: 'failed' }> | null;
  said: string;
}

/**
 * Run this very command as several processes that train together, one for each device, and watch over them: what one
 * prints is shown, signals reach all, and where one is lost the others are told, and ended if they do not end themselves.
 * @throws InputError for what was given; RunFailure for a process that is lost; Error with what else became of the first one
 *   that failed
 */
export async function runWorkers(devices: Devices): Promise<void> {
  const now = Date.now();
  const tasks = (await freePorts(devices.length)).map((port) => `127.0.0.1:${port}`);
  const all = devices.map((device, rank): Started => {
    const child = startWorker({ rank, tasks, device, now });
    return { rank, child, state: 'starting', failure: null, said: '' };
  });
  const tell = (message: ToWorker, to: readonly Started[] = all): void => {
    for (const { child, state } of to) if (state !== 'ended' && child.connected) child.send(message);
  };
  const unwatch = watchSignals(all, tell);
  let problem: Error | null = null;
  let timer: NodeJS.Timeout | undefined;
  const lose = (worker: Started, error: Error): void => {
    if (problem !== null) return;
    problem = error;
    tell(
      { kind: 'lost', message: `process ${worker.rank} is gone` },
      all.filter((other) => other !== worker),
    );
    timer = setTimeout(() => {
      for (const { child, state } of all) if (state !== 'ended') child.kill('SIGKILL');
    }, GRACE_MS);
  };
  try {
    await Promise.all(
      all.map(
        (worker) =>
          new Promise<void>((resolve) => {
            const { child } = worker;
            child.stderr?.on('data', (chunk: Buffer) => {
              worker.said = (worker.said + String(chunk)).slice(-KEPT_CHARACTERS);
            });
            child.on('message', (message: FromWorker) => {
              if (message.kind === 'failed') {
                worker.failure = message;
                lose(worker, errorOf(worker, null, null));
                return;
              }
              if (message.kind === 'warning') {
                tell({ kind: 'show', line: `warning: process ${worker.rank}: ${message.message}` }, all.slice(0, 1));
                return;
              }
              worker.state = message.kind;
              const kind = message.kind === 'ready' ? 'go' : 'end';
              if (all.every(({ state }) => state === message.kind)) tell({ kind });
            });
            child.on('error', (error) => lose(worker, error));
            child.on('close', (code, signal) => {
              worker.state = 'ended';
              if (code !== 0) lose(worker, errorOf(worker, code, signal));
              resolve();
            });
          }),
      ),
    );
  } finally {
    clearTimeout(timer);
    unwatch();
  }
  if (problem !== null) throw problem;
}

function errorOf({ rank, child, failure, said }: Started, code: number | null, signal: NodeJS.Signals | null): Error {
  if (failure !== null) {
    const error = failure.given ? new InputError(failure.message) : new Error(failure.message);
    // Where it came from is in that process, and part of what it said.
    error.stack = failure.message;
    return error;
  }
  const how = signal === null ? `ended with code ${code}` : `was ended by ${signal}`;
  const last = said.trim() === '' ? '' : `; the last it said:\n${said.trim()}`;
  return new RunFailure(
    withoutBreaks(
      `process ${rank} (pid ${child.pid}) ${how}, so training stopped in all. Go on from the last checkpoint with --resume${last}`,
    ),
  );
}

/** Ctrl-C and a request to end stop training in all, a second one ends them at once; USR1 asks for a checkpoint. */
function watchSignals(all: readonly Started[], tell: (message: ToWorker, to?: readonly Started[]) => void): () => void {
  let asked = false;
  const onStop = (): void => {
    if (asked) {
      for (const { child } of all) child.kill('SIGKILL');
      process.exit(130);
    }
    asked = true;
    tell({ kind: 'stop' });
  };
  const onSave = (): void => tell({ kind: 'save' }, all.slice(0, 1));
  process.on('SIGINT', onStop);
  process.on('SIGTERM', onStop);
  process.on('SIGUSR1', onSave);
  return () => {
    process.off('SIGINT', onStop);
    process.off('SIGTERM', onStop);
    process.off('SIGUSR1', onSave);
  };
}

/** Only the first prints; what the others say is kept in case they fail. A GPU's process sees that card alone. */
function startWorker(task: WorkerTask): ChildProcess {
  const gpu = /^gpu:(\d+)$/.exec(task.device)?.[1];
  const visible = visibleIds(process.env);
  const env = {
    ...process.env,
    ...(gpu === undefined ? {} : { CUDA_VISIBLE_DEVICES: visible?.[Number(gpu)] ?? gpu }),
    [TASK_VARIABLE]: JSON.stringify(gpu === undefined ? task : { ...task, device: 'gpu:0' }),
  };
  const shown = task.rank === 0 ? 'inherit' : 'ignore';
  return spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    env,
    stdio: ['ignore', shown, task.rank === 0 ? 'inherit' : 'pipe', 'ipc'],
  });
}

/** Ports of the loopback device that nobody uses at this moment. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve, reject) => server.on('error', reject).listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
