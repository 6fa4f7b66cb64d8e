import * as tf from '@tensorflow/tfjs-core';
import type { Progress } from '../checkpoint/progress.js';
import type { Logs } from '../steps/train-state.js';

/** A batch that was handed to the device, before and after it. */
interface Unread {
  readonly before: Progress;
  readonly after: Progress;
  readonly logs: Logs;
}

/** The same with its values. */
export interface ReadStep extends Omit<Unread, 'logs'> {
  readonly values: Readonly<Record<string, number>>;
}

/** Reading waits for the device: once in so many milliseconds costs next to nothing, and keeps everything fresh. */
const INTERVAL_MS = 1000;

/**
 * Logged values that stay on the device until several batches' worth are read at once: reading after every batch would
 * leave the device idle in between. They are read often enough that a loss that is no number, or a wish to stop, is noticed
 * within about a second, and at the latest after `most` batches.
 */
export class UnreadSteps {
  private steps: Unread[] = [];
  private since = performance.now();
  private most = 1;

  /** @param limit most batches that stay unread */
  constructor(private readonly limit: number) {}

  add(step: Unread): void {
    this.steps.push(step);
  }

  /** Whether it is time to read. */
  get due(): boolean {
    return this.steps.length >= this.most;
  }

  /** Fetch what is unread, in order; the device is done with it then. */
  async read(): Promise<ReadStep[]> {
    const steps = this.steps;
    const last = steps.at(-1);
    if (last === undefined) return [];
    this.steps = [];
    const scalars = steps.flatMap(({ logs }) => Object.values(logs));
    // Waits without holding up the thread, which an operation on the values would.
    await Object.values(last.logs)[0]?.data();
    const all = tf.tidy(() => tf.stack(scalars.map((scalar) => tf.cast(scalar, 'float32'))));
    tf.dispose(scalars);
    const values = await all.data();
    all.dispose();
    const now = performance.now();
    const wanted = Math.floor((steps.length * INTERVAL_MS) / Math.max(now - this.since, 1e-3));
    // A first call, which also compiles, says little: no more than twice as many as before.
    this.most = Math.min(Math.max(wanted, 1), 2 * steps.length, this.limit);
    this.since = now;
    let at = 0;
    return steps.map(({ before, after, logs }) => ({
      before,
      after,
      values: Object.fromEntries(Object.keys(logs).map((name) => [name, values[at++]!])),
    }));
  }

  /** Time spent elsewhere (saving, validation) does not count as the steps'. */
  restart(): void {
    this.since = performance.now();
  }

  /** Give up what is unread. */
  dispose(): void {
    tf.dispose(this.steps.flatMap(({ logs }) => Object.values(logs)));
    this.steps = [];
  }
}
