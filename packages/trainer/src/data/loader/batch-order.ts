import { seededDraws, shuffled } from '../draws.js';

/** Where a loader stands: the next batch it hands out. Plain data, to be kept in a checkpoint. */
export interface LoaderPosition {
  readonly epoch: number;
  /** Batch within the epoch. */
  readonly batch: number;
}

/** What decides which samples are in a batch. */
export interface OrderOptions {
  /** Number of samples. */
  readonly length: number;
  /** Samples of a batch in this process. */
  readonly batchSize: number;
  readonly shuffle: boolean;
  readonly seed: number;
  /** Leave out an epoch's last batch where it is not full. */
  readonly dropLast: boolean;
  /** Processes that share each batch, and which of them this is. */
  readonly world: number;
  readonly rank: number;
}

/** Number of batches of an epoch, the same for every process. */
export function batchesPerEpoch({ length, batchSize, world, dropLast }: OrderOptions): number {
  const whole = length / (batchSize * world);
  return dropLast ? Math.floor(whole) : Math.ceil(whole);
}

/**
 * Sample order of the epochs, a function of seed and epoch alone: a run that goes on from a position sees what it would
 * have seen. Of a batch of `world * batchSize` samples each process takes a run of neighbours, so that several processes
 * together see what one with the whole batch sees.
 */
export class BatchOrder {
  /** Of this epoch and, where a loader reads ahead over its end, the next. */
  private readonly orders = new Map<number, Int32Array>();

  constructor(readonly options: OrderOptions) {
    const { length, batchSize, world, rank } = options;
    if (length < 1) throw new RangeError('loader: the data set is empty');
    if (!(Number.isInteger(batchSize) && batchSize > 0)) throw new RangeError(`loader: batch size ${batchSize}`);
    if (!(world >= 1 && rank >= 0 && rank < world)) throw new RangeError(`loader: rank ${rank} of ${world}`);
    if (batchesPerEpoch(options) > 0) return;
    throw new RangeError(
      `loader: ${length} samples give no full batch of ${batchSize * world}; take a smaller batch or keep the last one`,
    );
  }

  /** Places in the epoch's order of this process's samples of a batch. */
  places({ batch }: LoaderPosition): number[] {
    const { length, batchSize, world, rank } = this.options;
    const start = batch * batchSize * world;
    const left = Math.min(length - start, batchSize * world);
    // Every process needs as many: a short last batch is filled up from the epoch's beginning.
    const share = Math.ceil(left / world);
    return Array.from({ length: share }, (_, i) => (start + rank * share + i) % length);
  }

  /** Data set index at a place of an epoch's order. */
  indexAt(epoch: number, place: number): number {
    const { length, shuffle, seed } = this.options;
    if (!shuffle) return place % length;
    let order = this.orders.get(epoch);
    if (order === undefined) {
      if (this.orders.size === 2) this.orders.delete(Math.min(...this.orders.keys()));
      order = shuffled(length, seededDraws(seed, 'order', epoch));
      this.orders.set(epoch, order);
    }
    return order[place % length]!;
  }

  /** The position after one. */
  after({ epoch, batch }: LoaderPosition): LoaderPosition {
    return batch + 1 < batchesPerEpoch(this.options) ? { epoch, batch: batch + 1 } : { epoch: epoch + 1, batch: 0 };
  }
}
