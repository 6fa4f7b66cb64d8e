import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { FaceDatasetOptions } from '../face-dataset.js';
import type { ReadReply, ReadRequest } from './worker-messages.js';

interface Pending {
  readonly resolve: (reply: ReadReply) => void;
  readonly reject: (error: Error) => void;
}

/** Threads that read samples. Requests go to the thread with the least to do. */
export class WorkerPool {
  private readonly threads: { worker: Worker; pending: Map<number, Pending> }[];
  private nextId = 0;

  constructor(options: FaceDatasetOptions, size: number) {
    this.threads = Array.from({ length: size }, () => {
      const thread = { worker: startWorker(options), pending: new Map<number, Pending>() };
      const fail = (error: Error) => {
        for (const { reject } of thread.pending.values()) reject(error);
        thread.pending.clear();
      };
      thread.worker.on('message', (reply: ReadReply) => {
        const waiting = thread.pending.get(reply.id);
        thread.pending.delete(reply.id);
        // An idle thread does not keep the process alive.
        if (thread.pending.size === 0) thread.worker.unref();
        waiting?.resolve(reply);
      });
      thread.worker.on('error', (error) => fail(error instanceof Error ? error : new Error(String(error))));
      thread.worker.on('exit', (code) => fail(new Error(`loader: a reading thread ended with code ${code}`)));
      thread.worker.unref();
      return thread;
    });
  }

  /** Read a sample. @throws Error if a thread breaks down */
  read(request: Omit<ReadRequest, 'id'>): Promise<ReadReply> {
    const id = this.nextId++;
    const thread = this.threads.reduce((least, other) => (other.pending.size < least.pending.size ? other : least));
    return new Promise((resolve, reject) => {
      thread.pending.set(id, { resolve, reject });
      thread.worker.ref();
      thread.worker.postMessage({ ...request, id });
    });
  }

  /** End the threads. Requests that are under way fail. */
  async close(): Promise<void> {
    await Promise.all(this.threads.map(({ worker }) => worker.terminate()));
  }
}

/** From the build a thread runs JavaScript; from the sources it first needs the loader of TypeScript, as we did. */
function startWorker(workerData: FaceDatasetOptions): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL('./read-worker.js', import.meta.url), { workerData });
  const tsx = dirname(createRequire(import.meta.url).resolve('tsx/package.json'));
  const api = pathToFileURL(join(tsx, 'dist/esm/api/index.mjs')).href;
  const main = new URL('./read-worker.ts', import.meta.url).href;
  const start = `import(${JSON.stringify(api)}).then((tsx) => (tsx.register(), import(${JSON.stringify(main)})))`;
  return new Worker(start, { eval: true, workerData, execArgv: ['--conditions=@codiff/source'] });
}
