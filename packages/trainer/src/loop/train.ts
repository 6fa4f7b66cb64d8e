import { join } from 'node:path';
import { Rng } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import type { CheckpointKeeper } from '../checkpoint/keeper.js';
import { afterBatch, afterEpoch, type Progress } from '../checkpoint/progress.js';
import type { LogSink } from '../log/log-sink.js';
import { type Compile, eagerly } from '../steps/consume.js';
import type { Divided, StepControl, Training } from '../steps/train-state.js';
import { TrainError } from '../train-error.js';
import { type BatchSource, batchSizeOf, saveBatch, toTensors } from './batch-source.js';
import { NonFiniteLossError } from './non-finite-loss.js';
import { nonFinite, readLogs } from './read-logs.js';
import type { Requests } from './signals.js';
import { validate } from './validate.js';

/** Sanity run of validation batches before a fresh training, as in the original. */
const SANITY_BATCHES = 2;

/** When a run ends by itself; the first that is reached. Absent: never. */
export interface TrainLimits {
  readonly maxEpochs?: number;
  readonly maxSteps?: number;
  /** Of this process. */
  readonly maxSeconds?: number;
}

/** What happens while a run goes on, for whoever shows it. */
export type TrainEvent =
  | { readonly kind: 'step'; readonly progress: Progress; readonly values: Readonly<Record<string, number>> }
  | { readonly kind: 'validation'; readonly progress: Progress; readonly values: Readonly<Record<string, number>> }
  | { readonly kind: 'saved'; readonly progress: Progress }
  | { readonly kind: 'warning'; readonly message: string };

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
  /** Validation value that ranks checkpoints; null: none does. */
  readonly monitor: string | null;
  /** Batches of one update, as the training was made with; 1 by default. */
  readonly accumulate?: number;
  /** Learning rates by the name they are logged under. */
  readonly rates: Readonly<Record<string, number>>;
  /** Factor of the learning rates at a step counted from 0; default: 1. */
  readonly lrFactor?: (step: number) => number;
  readonly keeper: CheckpointKeeper;
  readonly log: LogSink;
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
  readonly onEvent?: (event: TrainEvent) => void;
}

/** How a run ended. */
export interface TrainEnd {
  readonly why: 'epochs' | 'steps' | 'time' | 'asked';
  readonly progress: Progress;
  /** Weights and state at the end; the caller's. */
  readonly divided: Divided;
}

/**
 * Train until a limit is reached or someone asks to stop; `last.ckpt` is written then, and also when something fails, as
 * far as the state is sound.
 *
 * An epoch: batches, each one a step; validation; checkpoints. A run that goes on from a checkpoint takes the very steps
 * that the uninterrupted one takes: order of the data, draws and schedule follow from seed and progress alone.
 * @throws NonFiniteLossError; whatever data or backend throw
 */
export async function train(run: TrainRun): Promise<TrainEnd> {
  const { training, seed, keeper, log, limits = {}, accumulate = 1, logEvery = 50, compile = eagerly } = run;
  const { frozen } = run.divided;
  const { onEvent = () => undefined, lrFactor = () => 1 } = run;
  const step = compile(training.step, { name: 'training step', state: 0 });
  const evaluate = compile(training.evaluate, { name: 'validation step' });
  if (run.train.length < 1) throw new TrainError('train: an epoch of the training data has no batch');
  const began = performance.now();
  let { progress } = run;
  let { state } = run.divided;
  let sound = true;
  let saved: Progress | null = null;

  const runValidation = async (batches?: number): Promise<Record<string, number>> => {
    if (!run.validation) return {};
    const limit = batches === undefined ? {} : { batches };
    const divided = { frozen, state };
    return validate({ source: run.validation, evaluate, divided, seed, globalStep: progress.globalStep, ...limit });
  };
  const scoreOf = (values: Readonly<Record<string, number>>): number | null => {
    if (run.monitor === null || !run.validation) return null;
    const score = values[run.monitor];
    if (score !== undefined) return score;
    throw new TrainError(
      `train: the monitor '${run.monitor}' is not among the validation's values ${Object.keys(values).join(', ')}; name one of them, or null`,
    );
  };
  // A full disk must not end a run: the old checkpoint stays, and the next one may fit.
  const attempt = async (save: () => Promise<void>, what: 'all' | 'weights' = 'all'): Promise<void> => {
    try {
      await save();
      if (what === 'all') saved = progress;
      onEvent({ kind: 'saved', progress });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      onEvent({ kind: 'warning', message: `no checkpoint at step ${progress.globalStep}: ${reason}` });
    }
  };
  const whyStop = (): TrainEnd['why'] | null => {
    if (limits.maxEpochs !== undefined && progress.epoch >= limits.maxEpochs) return 'epochs';
    if (limits.maxSteps !== undefined && progress.globalStep >= limits.maxSteps) return 'steps';
    if (limits.maxSeconds !== undefined && performance.now() - began >= 1000 * limits.maxSeconds) return 'time';
    return run.requests?.stop.aborted ? 'asked' : null;
  };

  if (progress.batches === 0) scoreOf(await runValidation(SANITY_BATCHES));
  let why = whyStop();
  try {
    while (why === null) {
      let window = { since: performance.now(), waited: 0, samples: 0 };
      let asked = performance.now();
      for await (const host of run.train.epoch(progress.epoch, progress.batch)) {
        window.waited += performance.now() - asked;

        const update = (progress.batch + 1) % accumulate === 0 || progress.batch + 1 === run.train.length;
        const batch = toTensors(host);
        const factor = lrFactor(progress.globalStep);
        const control: StepControl = {
          seed: Rng.of(seed).split('batch').split(progress.batches).toTensor(),
          globalStep: tf.scalar(progress.globalStep, 'int32'),
          lrScale: tf.scalar(factor),
          update,
        };
        sound = false;
        const [next, logs] = step(state, frozen, batch, control);
        state = next;
        const values = await readLogs(logs);
        tf.dispose([...Object.values(batch), control.seed, control.globalStep, control.lrScale]);

        const bad = nonFinite(values);
        if (bad.length > 0) {
          const file = join(run.folder, `nonfinite-step=${String(progress.globalStep).padStart(9, '0')}.safetensors`);
          await saveBatch(file, host, { progress: JSON.stringify(progress), values: bad.join(' ') });
          throw new NonFiniteLossError(bad, progress.globalStep, file);
        }
        progress = afterBatch(progress, update);
        sound = true;
        window.samples += batchSizeOf(host);
        onEvent({ kind: 'step', progress, values });

        const { globalStep } = progress;
        if (update && globalStep % logEvery === 0) {
          const elapsed = performance.now() - window.since;
          const rates = Object.entries(run.rates).map(([name, rate]) => [name, rate * factor]);
          await log.scalars(globalStep, {
            ...values,
            ...Object.fromEntries(rates),
            epoch: progress.epoch,
            'speed/images_per_second': (1000 * window.samples) / elapsed,
            'speed/data_wait_share': window.waited / elapsed,
          });
          window = { since: performance.now(), waited: 0, samples: 0 };
        }
        const ends = progress.batch === run.train.length;
        const due = update && run.saveEvery !== undefined && globalStep % run.saveEvery === 0;
        // At the end of an epoch its own checkpoint follows.
        if (run.requests?.takeSave() || (due && !ends))
          await attempt(() => keeper.saveLast({ frozen, state }, progress));
        if (update && run.saveWeightsEvery !== undefined && globalStep % run.saveWeightsEvery === 0) {
          await attempt(() => keeper.saveTrainStep({ frozen, state }, progress), 'weights');
        }
        why = whyStop();
        if (why !== null && !ends) break;
        asked = performance.now();
      }
      if (progress.batch < run.train.length) {
        if (why !== null) break;
        throw new TrainError(
          `train: the data gave ${progress.batch} batches in epoch ${progress.epoch}, ${run.train.length} were announced`,
        );
      }

      const values = await runValidation();
      if (Object.keys(values).length > 0) await log.scalars(progress.globalStep, values);
      onEvent({ kind: 'validation', progress, values });
      progress = afterEpoch(progress);
      await attempt(() => keeper.saveEpoch({ frozen, state }, progress, scoreOf(values)));
      why = whyStop();
    }
  } catch (error) {
    if (sound) await attempt(() => keeper.saveLast({ frozen, state }, progress));
    throw error;
  }
  if (saved !== progress) await keeper.saveLast({ frozen, state }, progress);
  return { why, progress, divided: { frozen, state } };
}
