import { join } from 'node:path';
import { Rng } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { afterBatch, afterEpoch, type Progress } from '../checkpoint/progress.js';
import { ReplicasDifferError } from '../parallel/team-keeper.js';
import { eagerly } from '../steps/consume.js';
import type { StepControl } from '../steps/train-state.js';
import { RunFailure, TrainError } from '../train-error.js';
import { batchSizeOf, type HostBatch, saveBatch, toTensors } from './batch-source.js';
import { Forecaster } from './forecaster.js';
import { NonFiniteLossError } from './non-finite-loss.js';
import { nonFinite } from './read-logs.js';
import { Stopwatch } from './stopwatch.js';
import type { Pace, TrainEnd, TrainRun } from './train-run.js';
import { type ReadStep, UnreadSteps } from './unread-steps.js';
import { validate } from './validate.js';

/** Sanity run of validation batches before a fresh training, as in the original. */
const SANITY_BATCHES = 2;

/**
 * Train until a limit is reached or someone asks to stop; `last.ckpt` is written then, and also when something fails, as
 * far as the state is sound.
 *
 * An epoch: batches, each one a step; validation; checkpoints. A run that goes on from a checkpoint takes the very steps
 * that the uninterrupted one takes: order of the data, draws and schedule follow from seed and progress alone.
 *
 * What steps log is read every `logEvery` steps, and before anything is written or shown; if a loss among them is no number,
 * the first such batch is read from the data again and kept.
 * @throws NonFiniteLossError; whatever data or backend throw
 */
export async function train(run: TrainRun): Promise<TrainEnd> {
  const { training, seed, keeper, limits = {}, accumulate = 1, logEvery = 50, compile = eagerly } = run;
  const { frozen } = run.divided;
  const { onEvent = () => undefined, lrFactor = () => 1, validateEvery = 1 } = run;
  const step = compile(training.step, { name: 'training step', state: 0 });
  const evaluate = compile(training.evaluate, { name: 'validation step' });
  if (run.train.length < 1) throw new TrainError('train: an epoch of the training data has no batch');
  const began = performance.now();
  let { progress } = run;
  let { state } = run.divided;
  let sound = true;
  /** The epoch in which learning rates were logged last. */
  let ratesLogged = -1;
  let saved: Progress | null = null;
  const unread = new UnreadSteps(logEvery * accumulate);
  const forecaster = new Forecaster({ limits, batchesPerEpoch: run.train.length, accumulate });
  const [sinceRead, sinceLog] = [new Stopwatch(), new Stopwatch()];

  const runValidation = async (batches?: number): Promise<Record<string, number>> => {
    if (!run.validation || batches === 0) return {};
    const limit = batches === undefined ? {} : { batches };
    const divided = { frozen, state };
    return validate({
      source: run.validation,
      evaluate,
      divided,
      seed,
      globalStep: progress.globalStep,
      ...limit,
      onBatch: (batch, batchIndex) => pictures('val', batch, batchIndex),
    });
  };
  const scoreOf = (values: Readonly<Record<string, number>>): number | null => {
    if (run.monitor === null || Object.keys(values).length === 0) return null;
    const score = values[run.monitor];
    if (score !== undefined) return score;
    throw new TrainError(
      `train: the monitor '${run.monitor}' is not among the validation's values ${Object.keys(values).join(', ')}; name one of them, or null`,
    );
  };
  // A full disk must not end a run: the old checkpoint stays, and the next one may fit. The same holds for logs.
  const attempt = async (act: () => Promise<void>, missed: string): Promise<void> => {
    try {
      await act();
    } catch (error) {
      if (error instanceof ReplicasDifferError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      onEvent({ kind: 'warning', message: `no ${missed} at step ${progress.globalStep}: ${reason}` });
    }
  };
  const save = (act: () => Promise<void>, what: 'all' | 'weights' = 'all'): Promise<void> =>
    apart(() =>
      attempt(async () => {
        await act();
        if (what === 'all') saved = progress;
        onEvent({ kind: 'saved', progress });
      }, 'checkpoint'),
    );
  const logScalars = (at: number, values: Readonly<Record<string, number>>): Promise<void> =>
    attempt(() => run.log.scalars(at, values), 'log');
  /** Something beside the steps, whose time is not theirs. */
  const apart = async <T>(act: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    const result = await act();
    const ms = performance.now() - start;
    sinceRead.leaveOut(ms);
    sinceLog.leaveOut(ms);
    unread.restart();
    return result;
  };
  const pictures = async (split: 'train' | 'val', batch: HostBatch, batchIndex: number): Promise<void> => {
    if (!run.images) return;
    const { images } = run;
    const { epoch, globalStep, batches } = progress;
    // Validation before the first step is a rehearsal.
    if (split === 'val' && batches === 0) return;
    await attempt(async () => {
      const files = await images.at({ split, globalStep, batchIndex, epoch }, { frozen, state }, batch);
      if (files !== null) onEvent({ kind: 'images', progress, files });
    }, 'images');
  };
  const whyStop = (): TrainEnd['why'] | null => {
    if (limits.maxEpochs !== undefined && progress.epoch >= limits.maxEpochs) return 'epochs';
    if (limits.maxSteps !== undefined && progress.globalStep >= limits.maxSteps) return 'steps';
    if (run.team) return run.team.why;
    if (limits.maxSeconds !== undefined && performance.now() - began >= 1000 * limits.maxSeconds) return 'time';
    return run.requests?.stop.aborted ? 'asked' : null;
  };
  /** The loss of an earlier batch is no number: find that batch again, and stop. */
  const stopAt = async ({ before, values }: ReadStep, bad: readonly string[]): Promise<never> => {
    sound = false;
    unread.dispose();
    const share = run.team ? `-process=${run.team.place.rank}` : '';
    const step = String(before.globalStep).padStart(9, '0');
    const file = join(run.folder, `nonfinite-step=${step}${share}.safetensors`);
    for await (const host of run.train.epoch(before.epoch, before.batch)) {
      await saveBatch(file, host, { progress: JSON.stringify(before), values: JSON.stringify(named(values)) });
      break;
    }
    throw new NonFiniteLossError(bad, before.globalStep, file);
  };
  /** Wait for the steps that are under way, and look at what they logged. @param log whether it goes to the log too */
  const catchUp = async (log = false): Promise<void> => {
    const read = await unread.read();
    const steps = run.team ? await run.team.average(read) : read;
    for (const each of steps) {
      const bad = nonFinite(each.values);
      if (bad.length > 0) await stopAt(each, bad);
      onEvent({ kind: 'step', progress: each.after, values: each.values });
    }
    const last = steps.at(-1);
    if (last === undefined) return;
    const { values } = last;
    const pace = (log ? sinceLog : sinceRead).pace();
    const elapsed = (performance.now() - began) / 1000;
    const forecast = forecaster.at(progress, sinceRead.pace().batchesPerSecond, elapsed);
    if (log) await logSteps(values, pace);
    onEvent({ kind: 'pace', progress, values, pace, forecast, logged: log });
    sinceRead.restart();
    if (log) sinceLog.restart();
  };
  const logSteps = (values: Readonly<Record<string, number>>, pace: Pace): Promise<void> => {
    const { globalStep, epoch } = progress;
    const factor = lrFactor(globalStep - 1);
    const due = run.logRates !== 'epoch' || ratesLogged !== epoch;
    ratesLogged = epoch;
    const rates = due ? Object.entries(run.rates).map(([name, rate]) => [name, rate * factor]) : [];
    return logScalars(globalStep, {
      ...values,
      ...Object.fromEntries(rates),
      epoch,
      'speed/images_per_second': pace.imagesPerSecond,
      'speed/data_wait_share': pace.waitShare,
    });
  };

  if (progress.batches === 0) scoreOf(await runValidation(run.sanityBatches ?? SANITY_BATCHES));
  // Should another process be lost, there is something to go on from.
  if (run.team && progress.batches === 0) await save(() => keeper.saveLast({ frozen, state }, progress));
  let why = whyStop();
  try {
    while (why === null) {
      const epochBegan = performance.now();
      for (const watch of [sinceRead, sinceLog]) watch.restart();
      unread.restart();
      let asked = performance.now();
      for await (const host of run.train.epoch(progress.epoch, progress.batch)) {
        const waited = performance.now() - asked;
        if (progress.batches === 0) await apart(() => pictures('train', host, 0));

        const update = (progress.batch + 1) % accumulate === 0 || progress.batch + 1 === run.train.length;
        const batch = toTensors(host);
        const control: StepControl = {
          seed: Rng.of(seed).split('batch').split(progress.batches).toTensor(),
          globalStep: tf.scalar(progress.globalStep, 'int32'),
          lrScale: tf.scalar(lrFactor(progress.globalStep)),
          update,
        };
        sound = false;
        const [next, logs] = step(state, frozen, batch, control);
        state = next;
        tf.dispose([...Object.values(batch), control.seed, control.globalStep, control.lrScale]);
        const before = progress;
        progress = afterBatch(progress, update);
        sound = true;
        unread.add({ before, after: progress, logs });
        for (const watch of [sinceRead, sinceLog]) watch.got(batchSizeOf(host), waited);

        const { globalStep } = progress;
        const ends = progress.batch === run.train.length;
        const every = (steps: number | undefined): boolean => update && steps !== undefined && globalStep % steps === 0;
        // Processes that work together read after the same batches.
        const due = run.team ? await run.team.meet(update) : unread.due;
        if (every(logEvery)) await catchUp(true);
        else if (due || ends) await catchUp();
        // Timers, signals and the threads that read data have their turn.
        else await new Promise((resolve) => setImmediate(resolve));

        if (update) await apart(() => pictures('train', host, before.batch));
        // At the end of an epoch its own checkpoint follows.
        if ((run.team ?? run.requests)?.takeSave() || (every(run.saveEvery) && !ends)) {
          await catchUp();
          await save(() => keeper.saveLast({ frozen, state }, progress));
        }
        if (every(run.saveWeightsEvery)) {
          await catchUp();
          await save(() => keeper.saveTrainStep({ frozen, state }, progress), 'weights');
        }
        why = whyStop();
        if (why !== null && !ends) break;
        asked = performance.now();
      }
      await catchUp();
      if (progress.batch < run.train.length) {
        if (why !== null) break;
        throw new TrainError(
          `train: the data gave ${progress.batch} batches in epoch ${progress.epoch}, ${run.train.length} were announced`,
        );
      }
      const seconds = (performance.now() - epochBegan) / 1000;
      onEvent({ kind: 'epoch', progress, seconds, peakBytes: 1024 * process.resourceUsage().maxRSS });

      const due = (progress.epoch + 1) % validateEvery === 0;
      const values = due ? await runValidation() : {};
      if (Object.keys(values).length > 0) await logScalars(progress.globalStep, values);
      if (due) onEvent({ kind: 'validation', progress, values });
      progress = afterEpoch(progress);
      await save(() => keeper.saveEpoch({ frozen, state }, progress, scoreOf(values)));
      why = whyStop();
    }
  } catch (error) {
    run.team?.leave();
    if (sound) {
      // What is still under way may be spoilt, and then it is not saved.
      await catchUp();
      await save(() => keeper.saveLast({ frozen, state }, progress));
    }
    throw error;
  }
  if (saved !== progress) {
    await keeper.saveLast({ frozen, state }, progress).catch((cause: unknown) => {
      if (cause instanceof ReplicasDifferError) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      const isThere = saved !== null || run.progress.batches > 0;
      const advice = isThere
        ? 'The one before is still there; make room, and go on from it with --resume'
        : 'There is none before it; make room, and train again';
      throw new RunFailure(
        `train: done at step ${progress.globalStep}, but the checkpoint of it cannot be written: ${reason}. ${advice}`,
        { cause },
      );
    });
  }
  return { why, progress, divided: { frozen, state } };
}

/** Values as JSON can hold them. */
const named = (values: Readonly<Record<string, number>>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
