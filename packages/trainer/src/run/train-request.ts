import type { ResolvedConfig } from '@codiff/ldm-core';
import type { Requests } from '../loop/signals.js';
import type { TrainEvent } from '../loop/train-run.js';
import type { TeamPlace } from '../parallel/team-place.js';
import type { Compile } from '../steps/consume.js';
import type { RunFolder } from './run-folder.js';

/** A training as the command asks for it. */
export interface TrainRequest {
  /** Checked by `checkTrainingConfig`. */
  readonly config: ResolvedConfig;
  readonly run: RunFolder;
  /** Go on: from this checkpoint, or (null) from the newest of the folder. Absent: a new run. */
  readonly resume?: { readonly checkpoint: string | null };
  /** null: the one that the run was started with, or 23 for a new one. */
  readonly seed: number | null;
  /** `--scale_lr`. */
  readonly scaleLr: boolean;
  /** What is computed on, for the log. */
  readonly device?: string;
  /** Parts of a batch that are computed side by side: the engine's branches. Default 1. */
  readonly branches?: number;
  /** Devices that take part. */
  readonly devices: number;
  /** The place of this process among several that train together; absent: it is alone. Their `devices` is their number. */
  readonly team?: TeamPlace | undefined;
  /** Folder that paths of the config start from; default: the working directory. */
  readonly root?: string;
  readonly maxSeconds?: number;
  /** Steps between writings of `last.ckpt` within an epoch. */
  readonly saveEvery: number;
  /** Stop at the first sample that cannot be read. */
  readonly strict: boolean;
  /** Train; false: only test. Default true. */
  readonly train?: boolean;
  /** Evaluate the test set, where the config has one, at the end. Default true. */
  readonly test?: boolean;
  readonly compile?: Compile;
  readonly requests?: Requests;
  /** Told that data and weights are there, and the run's folder is there to stay. */
  readonly onBegin?: () => void;
  /** Told what is worth a line before training begins. */
  readonly onNote: (line: string) => void;
  readonly onEvent: (event: TrainEvent) => void;
}
