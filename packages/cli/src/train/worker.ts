import { availableParallelism } from 'node:os';
import { abortAllReduce, allReduce, type EngineInfo, useEngine } from '@codiff/engine';
import { type Requests, RunFailure, type TeamPlace, TrainError } from '@codiff/trainer';
import { isAboutInput } from '../usage-error.js';
import { type FromWorker, TASK_VARIABLE, type ToWorker, type WorkerTask } from './worker-messages.js';

/** How long a process whose watcher is gone may take to stop and save. */
const ORPHAN_MS = 60_000;

/** The task of this process if it was started as one of several. */
export function workerTask(env: NodeJS.ProcessEnv = process.env): WorkerTask | null {
  const text = env[TASK_VARIABLE];
  return text === undefined ? null : (JSON.parse(text) as WorkerTask);
}

/** This process as one of several that train together, under the eyes of the one that started them. */
export class Worker {
  readonly requests: Requests;
  /** Takes what the others want to be shown; the first process shows it. */
  show: (line: string) => void = () => undefined;
  private readonly stop = new AbortController();
  private saves = 0;
  private running = false;
  private go: () => void = () => undefined;
  private end: () => void = () => undefined;

  constructor(readonly task: WorkerTask) {
    this.requests = {
      stop: this.stop.signal,
      takeSave: () => {
        const asked = this.saves > 0;
        this.saves = 0;
        return asked;
      },
      close: () => undefined,
    };
    process.on('message', (message: ToWorker) => this.hear(message));
    // A terminal sends Ctrl-C to all processes; the watcher hears it too, and says what it means.
    process.on('SIGINT', () => this.stop.abort());
    process.on('SIGTERM', () => this.stop.abort());
    process.on('SIGUSR1', () => void this.saves++);
    process.on('disconnect', () => {
      this.stop.abort();
      setTimeout(() => process.exit(1), ORPHAN_MS).unref();
    });
  }

  /** Start the engine, and wait until all have one. */
  async start(): Promise<{ engine: EngineInfo; team: TeamPlace }> {
    const { rank, tasks, device } = this.task;
    const threads = Math.max(1, Math.floor(availableParallelism() / tasks.length));
    const engine = await useEngine({ device, deterministic: true, threads, cluster: { tasks, index: rank } });
    const go = new Promise<void>((resolve) => {
      this.go = resolve;
    });
    await this.say({ kind: 'ready' });
    await go;
    this.running = true;
    return { engine, team: { rank, world: tasks.length, allReduce } };
  }

  /** Say that all went well, and wait for the others: they may still need this process's answers. */
  async done(): Promise<never> {
    const end = new Promise<void>((resolve) => {
      this.end = resolve;
    });
    await this.say({ kind: 'done' });
    await end;
    process.exit(0);
  }

  /** Have the first process show something that it does not know of: each process reads files of its own. */
  warn(message: string): void {
    if (this.task.rank > 0) void this.say({ kind: 'warning', message });
  }

  /** Say what went wrong, and end. */
  async fail(error: unknown): Promise<never> {
    const given = isAboutInput(error) || (error instanceof TrainError && !(error instanceof RunFailure));
    const explains = given || error instanceof RunFailure || (error instanceof Error && error.name === 'EngineError');
    const message =
      error instanceof Error ? ((explains ? error.message : error.stack) ?? error.message) : String(error);
    await this.say({ kind: 'failed', message, given });
    process.exit(given ? 2 : 1);
  }

  private hear(message: ToWorker): void {
    if (message.kind === 'go') this.go();
    else if (message.kind === 'end') this.end();
    else if (message.kind === 'stop') this.stop.abort();
    else if (message.kind === 'save') this.saves++;
    else if (message.kind === 'show') this.show(message.line);
    else if (this.running) abortAllReduce(message.message);
    else process.exit(1);
  }

  private say(message: FromWorker): Promise<void> {
    return new Promise((resolve) => {
      if (process.connected) process.send!(message, undefined, undefined, () => resolve());
      else resolve();
    });
  }
}
