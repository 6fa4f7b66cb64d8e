import { compile, useEngine } from '@codiff/engine';
import { loadConfig } from '@codiff/ldm-core/node';
import {
  checkTrainingConfig,
  newRunFolder,
  resumedRun,
  TrainError,
  trainerRegistry,
  trainFromConfig,
  watchSignals,
} from '@codiff/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { InputError } from '../input-error.js';
import { UsageError } from '../usage-error.js';
import { parseGpus } from './devices.js';
import { TrainShow } from './show.js';

/** Flags of `codiff train` that stand for themselves. */
export interface TrainArguments {
  readonly base: readonly string[];
  readonly overrides: readonly string[];
  readonly name: string;
  readonly postfix: string;
  readonly logdir: string;
  readonly resume?: string | undefined;
  readonly seed: number | null;
  readonly scaleLr: boolean;
  readonly gpus?: string | undefined;
  readonly maxSeconds?: number | undefined;
  readonly saveEvery: number;
  readonly strict: boolean;
  /** Takes a line of progress. */
  readonly print: (line: string) => void;
}

/** Train, and say where the results are. @throws InputError for whatever the user can mend */
export async function runTraining(given: TrainArguments): Promise<void> {
  const { base, overrides, gpus, maxSeconds, print } = given;
  const { device, count } = parseGpus(gpus);
  const show = new TrainShow(print, process.stderr);
  const now = new Date();
  try {
    const resumed = given.resume === undefined ? null : resumedRun(given.resume, now);
    const files = [...(resumed?.configs ?? []), ...base];
    if (files.length === 0) throw new UsageError('name a config with --base, or a run with --resume');
    const config = await loadConfig(files, { registry: trainerRegistry, check: checkTrainingConfig, overrides });
    const run = resumed?.run ?? newRunFolder({ ...given, now });
    tf.enableProdMode();
    // One operation at a time: a run that was killed goes on with the very same bits.
    const engine = await useEngine({ device, deterministic: true });
    print(`${run.folder} on ${engine.device}`);
    const requests = watchSignals();
    try {
      const { why, progress } = await trainFromConfig({
        config,
        run,
        ...(resumed ? { resume: { checkpoint: resumed.checkpoint } } : {}),
        seed: given.seed,
        scaleLr: given.scaleLr,
        devices: count,
        ...(maxSeconds === undefined ? {} : { maxSeconds }),
        saveEvery: given.saveEvery,
        strict: given.strict,
        compile,
        requests,
        onNote: (line) => show.note(line),
        onEvent: (event) => show.event(event),
      });
      show.end();
      print(`${ENDS[why]} after epoch ${progress.epoch}, step ${progress.globalStep}: ${run.checkpoints}/last.ckpt`);
    } finally {
      show.end();
      requests.close();
    }
  } catch (error) {
    throw error instanceof TrainError ? new InputError(error.message) : error;
  }
}

const ENDS = {
  epochs: 'all epochs are done',
  steps: 'the last step is done',
  time: 'the time is up',
  asked: 'stopped',
} as const;
