/** Where a run stands. Position and order of the data follow from it and the run's seed. */
export interface Progress {
  /** Epochs finished, which is also the number of the current one. */
  readonly epoch: number;
  /** Batches of this epoch that are done. */
  readonly batch: number;
  /** Optimizer steps. */
  readonly globalStep: number;
  /** Batches of the whole run; each has random numbers of its own. */
  readonly batches: number;
}

/** A run that has not begun. */
export const BEGINNING: Progress = { epoch: 0, batch: 0, globalStep: 0, batches: 0 };

/** After one more batch. @param updated whether the optimizers stepped */
export const afterBatch = (at: Progress, updated: boolean): Progress => ({
  epoch: at.epoch,
  batch: at.batch + 1,
  globalStep: at.globalStep + (updated ? 1 : 0),
  batches: at.batches + 1,
});

/** At the start of the next epoch. */
export const afterEpoch = (at: Progress): Progress => ({ ...at, epoch: at.epoch + 1, batch: 0 });
