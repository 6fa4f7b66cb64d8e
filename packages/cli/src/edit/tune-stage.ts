import { join } from 'node:path';
import { type NoiseDraw, runTuning, type TuneResult, type TuneState } from '@codiff/codiff';
import { Params, tensorsOf } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import type { OutputFolder } from '../generate/output-folder.js';
import { InputError } from '../input-error.js';
import type { EditSession } from './session.js';
import { readTensors, writeTensors } from './tensor-files.js';

/** A stage that is tuned. */
export interface StageRun {
  /** Told to the user. */
  readonly title: string;
  /** One iteration, which consumes its state. */
  readonly step: (state: TuneState, draw: NoiseDraw) => TuneResult;
  readonly iterations: number;
  /** Iterations done before. */
  readonly from: number;
  readonly draw: (index: number) => NoiseDraw;
  /** File that keeps the state while the stage is unfinished. */
  readonly part: string;
  /** What its header says after some iterations. */
  readonly record: (done: number) => unknown;
  readonly saveMinutes: number;
}

/**
 * Run a stage to its end. Ctrl-C, and some minutes' work, save its state first, so that it can go on.
 * @param initial consumed @returns the last state, the caller's
 */
export async function tuneStage(
  initial: TuneState,
  run: StageRun,
  folder: OutputFolder,
  { signal, note, progress }: EditSession,
): Promise<TuneState> {
  const { title, step, iterations, from, draw, part, record, saveMinutes } = run;
  note(
    `${title}: ${iterations} iteration${iterations === 1 ? '' : 's'}${from > 0 ? `, ${from} of them done before` : ''}`,
  );
  const save = async (state: TuneState, done: number): Promise<void> => {
    if (done > from) await folder.save(part, (path) => writeTensors(path, tensorsByName(state), record(done)));
  };
  const bar = progress(iterations - from);
  bar.status('first step');
  let saved = performance.now();
  let last = Number.NaN;
  try {
    const state = await runTuning(step, initial, {
      iterations,
      from,
      draw,
      signal,
      onStop: save,
      onStep: async ({ index, loss, state }) => {
        last = loss;
        bar.step();
        if (index + 1 === iterations || performance.now() - saved < saveMinutes * 60_000) return;
        await save(state, index + 1);
        saved = performance.now();
      },
    });
    bar.clear();
    const speed = bar.rate > 0 ? `, ${bar.rate.toFixed(2)} steps/s` : '';
    if (from < iterations) note(`${title}: done, last loss ${last.toPrecision(4)}${speed}`);
    return state;
  } catch (error) {
    bar.clear();
    // What tuning itself complains about is the learning rate.
    if (error instanceof Error && error.message.startsWith('tuning:')) throw new InputError(error.message);
    throw error;
  }
}

const SETS = ['trained', 'm', 'v'] as const;

function tensorsByName({ trained, optim }: TuneState): Map<string, tf.Tensor> {
  const sets = { trained, m: optim.m, v: optim.v };
  const entries = SETS.flatMap((set) => [...sets[set]].map(([key, t]): [string, tf.Tensor] => [`${set}/${key}`, t]));
  return new Map([['step', optim.step], ...entries]);
}

/**
 * The state that a stopped stage has saved.
 * @param keys that it trains @returns the caller's
 * @throws InputError if the file holds another
 */
export async function readState(folder: string, part: string, keys: readonly string[]): Promise<TuneState> {
  const path = join(folder, part);
  const { tensors } = await readTensors(path);
  const take = (set: (typeof SETS)[number]) =>
    new Params(keys.flatMap((key) => (tensors.has(`${set}/${key}`) ? [[key, tensors.get(`${set}/${key}`)!]] : [])));
  const step = tensors.get('step') as tf.Scalar | undefined;
  const state = { trained: take('trained'), optim: { step: step!, m: take('m'), v: take('v') } };
  if (step !== undefined && tensors.size === 1 + SETS.length * keys.length && tensorsOf(state).length === tensors.size)
    return state;
  tf.dispose([...tensors.values()]);
  throw new InputError(`${path} does not hold what this stage tunes; delete it, or give --force`);
}
