import type { Progress } from '../checkpoint/progress.js';
import type { Forecast, TrainLimits } from './train-run.js';

/** What says how long a run is. */
export interface RunLength {
  readonly limits: TrainLimits;
  readonly batchesPerEpoch: number;
  readonly accumulate: number;
}

/** Weight of the latest pace in the running mean: single paces jump. */
const LATEST = 0.3;

/** Says when a run will end, going by its pace so far. */
export class Forecaster {
  private secondsPerBatch: number | null = null;

  constructor(private readonly length: RunLength) {}

  /** @param batchesPerSecond the latest pace @param elapsed seconds since this process began to train */
  at(progress: Progress, batchesPerSecond: number, elapsed: number): Forecast {
    const latest = 1 / Math.max(batchesPerSecond, 1e-9);
    const before = this.secondsPerBatch ?? latest;
    this.secondsPerBatch = before + LATEST * (latest - before);
    const batches = this.batchesLeft(progress);
    const { maxSeconds } = this.length.limits;
    const byWork = batches === null ? Number.POSITIVE_INFINITY : batches * this.secondsPerBatch;
    const byTime = maxSeconds === undefined ? Number.POSITIVE_INFINITY : Math.max(maxSeconds - elapsed, 0);
    const left = Math.min(byWork, byTime);
    if (!Number.isFinite(left)) return { done: null, left: null };
    const doneByWork = batches === null ? 0 : progress.batches / Math.max(progress.batches + batches, 1);
    const done = byTime < byWork ? elapsed / Math.max(maxSeconds!, 1e-9) : doneByWork;
    return { done: Math.min(done, 1), left };
  }

  private batchesLeft({ epoch, batch, globalStep }: Progress): number | null {
    const { limits, batchesPerEpoch, accumulate } = this.length;
    const { maxEpochs, maxSteps } = limits;
    const byEpochs = maxEpochs === undefined ? null : maxEpochs * batchesPerEpoch - epoch * batchesPerEpoch - batch;
    // The last group of an epoch may be short, so a step may take fewer batches than `accumulate`.
    const perStep = batchesPerEpoch / Math.ceil(batchesPerEpoch / accumulate);
    const bySteps = maxSteps === undefined ? null : (maxSteps - globalStep) * perStep;
    const known = [byEpochs, bySteps].filter((n) => n !== null);
    return known.length === 0 ? null : Math.max(Math.min(...known), 0);
  }
}
