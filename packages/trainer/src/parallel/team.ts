import * as tf from '@tensorflow/tfjs-core';
import type { Requests } from '../loop/signals.js';
import type { ReadStep } from '../loop/unread-steps.js';
import type { TeamPlace } from './team-place.js';

/** About how often processes look whether they are to stop or save. */
const INTERVAL_MS = 1000;

/** What a process of a team goes by. */
export interface TeamOptions {
  /** Of this process; what one is asked, all do. */
  readonly requests?: Pick<Requests, 'stop' | 'takeSave'> | undefined;
  /** When to end, by the first process's clock; absent: never. */
  readonly maxSeconds?: number | undefined;
  /** Most batches from one meeting to the next. */
  readonly limit: number;
}

/**
 * Keeps the processes of a team in step: whatever depends on a clock or on a signal, they decide together, after the same
 * batch. A process that went on while another stopped would wait for it for ever.
 */
export class Team {
  private readonly began = performance.now();
  private met = performance.now();
  private batches = 0;
  private interval = 1;
  private verdict: 'time' | 'asked' | null = null;
  private save = false;
  private alone = false;

  constructor(
    readonly place: TeamPlace,
    private readonly options: TeamOptions,
  ) {}

  /** Why all of them are to stop; null: they are not. */
  get why(): 'time' | 'asked' | null {
    return this.verdict;
  }

  /** Whether this process no longer waits for the others, because something failed here. */
  get hasLeft(): boolean {
    return this.alone;
  }

  /** Whether a checkpoint was asked for since the last call. */
  takeSave(): boolean {
    const asked = this.save;
    this.save = false;
    return asked;
  }

  /**
   * After each batch: meet the others, if it is time to. How many batches lie between two meetings is decided at
   * meetings, so all processes know. @param update whether the optimizers stepped; between steps nobody stops or saves
   * @returns whether they met, and so have all done this batch
   */
  async meet(update: boolean): Promise<boolean> {
    this.batches++;
    if (!update || this.batches < this.interval) return false;
    const { requests, maxSeconds, limit } = this.options;
    const { rank, world } = this.place;
    const now = performance.now();
    const late = rank === 0 && maxSeconds !== undefined && now - this.began >= 1000 * maxSeconds;
    const wishes = [requests?.stop.aborted, requests?.takeSave(), late].map((wish) => (wish ? 1 : 0));
    const [stop, save, time, ms] = await this.sums([...wishes, (now - this.met) / this.batches]);
    if (stop! > 0) this.verdict = 'asked';
    else if (time! > 0) this.verdict = 'time';
    if (save! > 0) this.save = true;
    const wanted = Math.floor((INTERVAL_MS * world) / Math.max(ms!, 1e-3));
    this.interval = Math.min(Math.max(wanted, 1), 2 * this.interval, limit);
    this.met = performance.now();
    this.batches = 0;
    return true;
  }

  /** Wait until all processes are here. @param name of the place */
  async wait(name: string): Promise<void> {
    await this.total([tf.scalar(0)], name);
  }

  /** Logged values as means over the processes. */
  async average(steps: readonly ReadStep[]): Promise<readonly ReadStep[]> {
    const values = steps.flatMap(({ values }) => Object.values(values));
    if (this.alone || values.length === 0) return steps;
    const means = await this.total([tf.tensor1d(values)], 'logs', true);
    let at = 0;
    return steps.map((step) => ({
      ...step,
      values: Object.fromEntries(Object.keys(step.values).map((name) => [name, means[at++]!])),
    }));
  }

  /** What each process has, by rank. @param number a whole one of 32 bits */
  async gather(number: number, name: string): Promise<readonly number[]> {
    const { rank, world } = this.place;
    const own = Int32Array.from({ length: world }, (_, i) => (i === rank ? number : 0));
    return Array.from(await this.total([tf.tensor1d(own, 'int32')], name));
  }

  /** Something failed here: wait for nobody any more. */
  leave(): void {
    this.alone = true;
  }

  private async sums(values: readonly number[]): Promise<readonly number[]> {
    return Array.from(await this.total([tf.tensor1d([...values])], 'meeting'));
  }

  private async total(tensors: readonly tf.Tensor[], name: string, mean = false): Promise<ArrayLike<number>> {
    const [sum] = this.place.allReduce(tensors, { name: `team/${name}`, mean });
    try {
      return (await sum!.data()) as ArrayLike<number>;
    } finally {
      tf.dispose([...tensors, sum!]);
    }
  }
}
