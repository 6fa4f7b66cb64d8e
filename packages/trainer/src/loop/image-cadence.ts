import type { ImageLoggerConfig } from '../config/callback-configs.js';

/** What decides when images are logged. */
export type ImageCadence = Pick<
  ImageLoggerConfig,
  'batchFrequency' | 'maxImages' | 'increaseLogSteps' | 'disabled' | 'logFirstStep' | 'logOnBatchIdx'
>;

/** What the logger remembers, plain data that a checkpoint can hold. */
export interface ImageLogState {
  /** Extra steps that are still to come; each is used once. */
  readonly extra: readonly number[];
  /** Last step logged of each split, so that a step is logged once, however many batches it has. */
  readonly last: Readonly<Record<string, number>>;
}

/** Where training stands. */
export interface ImageLogMoment {
  readonly split: 'train' | 'val';
  /** Optimizer steps. */
  readonly globalStep: number;
  /** Batch of the epoch. */
  readonly batchIndex: number;
}

/**
 * The state at the start of a run. Extra steps are the powers of two up to the frequency where they are wanted, else the
 * frequency alone.
 */
export function startImageLog({ batchFrequency, increaseLogSteps }: ImageCadence): ImageLogState {
  const powers = Array.from({ length: Math.floor(Math.log2(batchFrequency)) + 1 }, (_, i) => 2 ** i);
  return { extra: increaseLogSteps ? powers : [batchFrequency], last: {} };
}

/**
 * Whether images are due, and what to remember: at every multiple of the frequency and at the extra steps, each of which
 * drops the head of their list, as in the original; at step 0 only if asked. Unlike there, a split is logged once a step:
 * neither every validation batch nor every accumulated one is (original, quirk 18).
 */
export function imagesDue(
  cadence: ImageCadence,
  state: ImageLogState,
  { split, globalStep, batchIndex }: ImageLogMoment,
): { due: boolean; state: ImageLogState } {
  const count = cadence.logOnBatchIdx ? batchIndex : globalStep;
  const wanted = count % cadence.batchFrequency === 0 || state.extra.includes(count);
  const first = count > 0 || cadence.logFirstStep;
  const due = wanted && first && !cadence.disabled && cadence.maxImages > 0 && state.last[split] !== globalStep;
  if (!due) return { due, state };
  return { due, state: { extra: state.extra.slice(1), last: { ...state.last, [split]: globalStep } } };
}
