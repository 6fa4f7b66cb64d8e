import type { Progress } from '../checkpoint/progress.js';
import type { LogSink } from '../log/log-sink.js';
import type { Team } from '../parallel/team.js';
import type { RunKeeper } from '../parallel/team-keeper.js';
import type { Compile } from '../steps/consume.js';
import type { Divided, Training } from '../steps/train-state.js';
import type { BatchSource, HostBatch } from './batch-source.js';
import type { ImageLogMoment } from './image-cadence.js';
import type { Requests } from './signals.js';

/** When a run ends by itself; the first that is reached. Absent: never. */
export interface TrainLimits {
  readonly maxEpochs?: number;
  readonly maxSteps?: number;
  /** Of this process. */
  readonly maxSeconds?: number;
}

/** How fast a run is, over the steps since it was said last. */
export interface Pace {
  readonly imagesPerSecond: number;
  /** Share of the time that was spent waiting for data, 0 to 1. */
  readonly waitShare: number;
  readonly batchesPerSecond: number;
}

/** How far a run is. */
export interface Forecast {
  /** 0 to 1; null where nothing limits the run. */
  readonly done: number | null;
  /** Seconds until the run ends; null where nothing limits it. */
  readonly left: number | null;
}

/** What happens while a run goes on, for whoever shows it. */
export type TrainEvent =
  /** A batch was done, and its loss is finite. Told when the values are read, which is for several batches at once. */
  | { readonly kind: 'step'; readonly progress: Progress; readonly values: Readonly<Record<string, number>> }
  /** Values were read. @param logged they were also written to the log */
  | {
      readonly kind: 'pace';
      readonly progress: Progress;
      readonly values: Readonly<Record<string, number>>;
      readonly pace: Pace;
      readonly forecast: Forecast;
      readonly logged: boolean;
    }
  | { readonly kind: 'validation'; readonly progress: Progress; readonly values: Readonly<Record<string, number>> }
  /** An epoch's batches are done. */
  | { readonly kind: 'epoch'; readonly progress: Progress; readonly seconds: number; readonly peakBytes: number }
  | { readonly kind: 'saved'; readonly progress: Progress }
  | { readonly kind: 'images'; readonly progress: Progress; readonly files: readonly string[] }
  | { readonly kind: 'warning'; readonly message: string };

/** Writes pictures of what a model makes, where they are due. */
export interface ImageWriter {
  /**
   * Write pictures if they are due now.
   * @param batch what the model just worked on @returns the files written; null: nothing was due
   */
  at(moment: ImageMoment, divided: Divided, batch: HostBatch): Promise<readonly string[] | null>;
}

/** A moment of a run, as the names of picture files have it. */
export interface ImageMoment extends ImageLogMoment {
  readonly epoch: number;
}

/** A training run. */
export interface TrainRun {
  readonly training: Training;
  /** Weights and state to begin with; the state is consumed. */
  readonly divided: Divided;
  /** Where to begin: `BEGINNING`, or a checkpoint's. */
  readonly progress: Progress;
  /** With it every random number of the run is fixed. */
  readonly seed: number;
  readonly train: BatchSource;
  /** Run after each epoch; absent: epochs are saved without a score. */
  readonly validation?: BatchSource | undefined;
  /** Epochs between validations; 1 by default. */
  readonly validateEvery?: number;
  /** Validation batches that a fresh run tries before its first step; 2 by default, as in the original. */
  readonly sanityBatches?: number;
  /** Validation value that ranks checkpoints; null: none does. */
  readonly monitor: string | null;
  /** Batches of one update, as the training was made with; 1 by default. */
  readonly accumulate?: number;
  /** Learning rates by the name they are logged under. */
  readonly rates: Readonly<Record<string, number>>;
  /** `epoch`: they are logged with the first logged step of each epoch; default: with every one. */
  readonly logRates?: 'step' | 'epoch';
  /** Factor of the learning rates at a step counted from 0; default: 1. */
  readonly lrFactor?: (step: number) => number;
  readonly keeper: RunKeeper;
  readonly log: LogSink;
  /** Absent: no pictures. */
  readonly images?: ImageWriter | undefined;
  /** Where an offending batch goes. */
  readonly folder: string;
  readonly limits?: TrainLimits;
  /** Steps between logged lines; 50 by default. */
  readonly logEvery?: number;
  /** Steps between writings of `last.ckpt` within an epoch; absent: at its end only. */
  readonly saveEvery?: number;
  /** Steps between checkpoints of weights alone; absent: none. */
  readonly saveWeightsEvery?: number;
  /** Default: operation by operation. */
  readonly compile?: Compile;
  readonly requests?: Pick<Requests, 'stop' | 'takeSave'>;
  /**
   * The other processes that train this model, each on its share of every batch. `training` has their replicas, `keeper`
   * is a {@link TeamKeeper}; requests and a limit of time are the team's to hear.
   */
  readonly team?: Team | undefined;
  readonly onEvent?: (event: TrainEvent) => void;
}

/** How a run ended. */
export interface TrainEnd {
  readonly why: 'epochs' | 'steps' | 'time' | 'asked';
  readonly progress: Progress;
  /** Weights and state at the end; the caller's. */
  readonly divided: Divided;
}
