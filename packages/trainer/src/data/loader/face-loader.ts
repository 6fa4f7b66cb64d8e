import { DataError, LIST_BAD } from '../data-error.js';
import { FaceDataset, type FaceDatasetOptions, type FaceItem } from '../face-dataset.js';
import { BatchOrder, batchesPerEpoch, type LoaderPosition } from './batch-order.js';
import { collate, type FaceBatch } from './collate.js';
import { readSample } from './read-sample.js';
import type { ReadReply, ReadRequest } from './worker-messages.js';
import { WorkerPool } from './worker-pool.js';

/** How a loader reads. */
export interface FaceLoaderOptions {
  readonly dataset: FaceDatasetOptions;
  readonly batchSize: number;
  /** Of the order and of every random crop. */
  readonly seed: number;
  /** A new order each epoch (default true). */
  readonly shuffle?: boolean;
  /** Leave out an epoch's last batch where it is not full (default false, as the original). */
  readonly dropLast?: boolean;
  /** Threads that read and preprocess (default 1); 0 reads in the caller's thread. */
  readonly workers?: number;
  /** Batches that are read ahead of the step (default 4). */
  readonly ahead?: number;
  /** Stop at the first sample that cannot be read; default: leave it out, with a warning. */
  readonly strict?: boolean;
  /** Told of each sample that is left out, once a sample. @param count of such samples so far */
  readonly onWarning?: (message: string, count: number) => void;
  /** Processes that share each batch, and which of them this is (default one). */
  readonly world?: number;
  readonly rank?: number;
  /** Samples known to be unreadable: index -> why. Left out as those that are found to be. */
  readonly leftOut?: ReadonlyMap<number, string>;
  /** Where to begin (default the start). */
  readonly position?: LoaderPosition;
}

/**
 * Hands out batches of faces without end, reading ahead of the training step in threads. What a batch holds depends on
 * seed and position alone, not on the number of threads or their speed. A sample that cannot be read is left out and its
 * place taken by the next one of the epoch's order, so batches keep their size and every process its number of batches.
 */
export class FaceLoader {
  readonly dataset: FaceDataset;
  private readonly order: BatchOrder;
  private readonly pool: WorkerPool | undefined;
  private readonly bad = new Map<number, string>();
  private readonly queue: Promise<FaceBatch>[] = [];
  private cursor: LoaderPosition;
  private at: LoaderPosition;
  private waited = 0;

  /** @throws DataError if the data set cannot be used; RangeError for impossible sizes */
  constructor(private readonly options: FaceLoaderOptions) {
    const { dataset, batchSize, seed, shuffle = true, dropLast = false, world = 1, rank = 0, workers = 1 } = options;
    this.dataset = new FaceDataset(dataset);
    for (const [index, fault] of options.leftOut ?? []) this.leaveOut(index, fault);
    const { length } = this.dataset;
    this.order = new BatchOrder({ length, batchSize, shuffle, seed, dropLast, world, rank });
    this.at = this.cursor = this.checked(options.position ?? { epoch: 0, batch: 0 });
    this.pool = workers > 0 ? new WorkerPool(dataset, workers) : undefined;
  }

  /** Batches of an epoch. */
  get batchesPerEpoch(): number {
    return batchesPerEpoch(this.order.options);
  }

  /** The batch that {@link next} hands out: what a checkpoint keeps. */
  get position(): LoaderPosition {
    return this.at;
  }

  /** Milliseconds that {@link next} has waited for files in all. */
  get waitedMs(): number {
    return this.waited;
  }

  /** Samples left out so far: data set index -> why. */
  get skipped(): ReadonlyMap<number, string> {
    return this.bad;
  }

  /** The next batch. @throws DataError where no sample can be read, or the first that cannot when strict */
  async next(): Promise<FaceBatch> {
    this.readAhead();
    const began = performance.now();
    const batch = await this.queue[0]!;
    this.waited += performance.now() - began;
    this.queue.shift();
    this.at = this.order.after(this.at);
    this.readAhead();
    return batch;
  }

  /** Go on from a position; what was read ahead is dropped. */
  seek(position: LoaderPosition): void {
    this.at = this.cursor = this.checked(position);
    this.queue.length = 0;
  }

  /** End the threads. */
  async close(): Promise<void> {
    this.queue.length = 0;
    await this.pool?.close();
  }

  private checked({ epoch, batch }: LoaderPosition): LoaderPosition {
    const whole = (n: number) => Number.isInteger(n) && n >= 0;
    if (whole(epoch) && whole(batch) && batch < this.batchesPerEpoch) return { epoch, batch };
    throw new RangeError(
      `loader: position is epoch ${epoch}, batch ${batch}; an epoch has batches 0 to ${this.batchesPerEpoch - 1}. Was the data set or the batch size changed?`,
    );
  }

  private readAhead(): void {
    while (this.queue.length < (this.options.ahead ?? 4)) {
      const batch = this.readBatch(this.cursor);
      // Whoever takes it from the queue learns of the error; until then it is not unhandled.
      batch.catch(() => undefined);
      this.queue.push(batch);
      this.cursor = this.order.after(this.cursor);
    }
  }

  private async readBatch(position: LoaderPosition): Promise<FaceBatch> {
    const places = this.order.places(position);
    const items = await Promise.all(places.map((place) => this.readAt(position.epoch, place)));
    return collate(items, this.dataset.size, position);
  }

  /** The sample at a place of the epoch's order, or the next one that can be read. */
  private async readAt(epoch: number, place: number): Promise<FaceItem> {
    for (let step = 0; step < this.dataset.length; step++) {
      const index = this.order.indexAt(epoch, place + step);
      if (this.bad.has(index)) continue;
      const reply = await this.read({ index, seed: this.options.seed, epoch });
      if ('item' in reply) return reply.item;
      if ('error' in reply) throw new Error(`loader: reading '${this.dataset.names[index]}' failed: ${reply.error}`);
      this.leaveOut(index, reply.fault);
    }
    const problem = `none of its ${this.dataset.length} samples can be read; the first: ${[...this.bad.values()][0]}`;
    throw new DataError({ file: this.options.dataset.dataset.textFile, problem, advice: LIST_BAD });
  }

  private read(request: Omit<ReadRequest, 'id'>): Promise<ReadReply> {
    return this.pool?.read(request) ?? readSample(this.dataset, { ...request, id: 0 });
  }

  private leaveOut(index: number, fault: string): void {
    if (this.options.strict) {
      throw new DataError({ file: this.dataset.names[index]!, problem: fault, advice: 'or run without strict' });
    }
    if (this.bad.has(index)) return;
    this.bad.set(index, fault);
    this.options.onWarning?.(fault, this.bad.size);
  }
}
