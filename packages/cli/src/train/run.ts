import { availableParallelism } from 'node:os';
import { compile, useEngine } from '@codiff/engine';
import { isTree, type ResolvedConfig } from '@codiff/ldm-core';
import { loadConfig } from '@codiff/ldm-core/node';
import {
  batchBranches,
  checkTrainingConfig,
  describePlan,
  dryRun,
  newRunFolder,
  RunFailure,
  resumedRun,
  TrainError,
  type TrainEvent,
  trainerRegistry,
  trainFromConfig,
  watchSignals,
} from '@codiff/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { InputError } from '../input-error.js';
import { UsageError } from '../usage-error.js';
import { visibleCards } from './cards.js';
import { moveToDebugRuns, openDebugger } from './debugging.js';
import { type Devices, devicesOf, gpusOfConfig } from './devices.js';
import { TrainShow } from './show.js';
import { Worker, workerTask } from './worker.js';
import { runWorkers } from './workers.js';

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
  /** Processes on the CPU; 1 by default. */
  readonly workers?: number | undefined;
  readonly maxSeconds?: number | undefined;
  readonly saveEvery: number;
  readonly strict: boolean;
  /** false: only test. */
  readonly train: boolean;
  /** Test at the end, where the config has a test set. */
  readonly test: boolean;
  /** Wait for a debugger where training fails, and move the run to `debug_runs` afterwards. */
  readonly debug: boolean;
  /** Print what training would take, and write nothing. */
  readonly dryRun: boolean;
  /** Takes a line of progress. */
  readonly print: (line: string) => void;
}

/** Train, and say where the results are. @throws InputError for what was given; RunFailure for what the run came to */
export async function runTraining(given: TrainArguments): Promise<void> {
  const { base, overrides, maxSeconds } = given;
  const task = workerTask();
  const worker = task && new Worker(task);
  // What all of them would print alike, the first one prints.
  const print = task !== null && task.rank > 0 ? () => undefined : given.print;
  const show = new TrainShow(print, process.stderr);
  if (worker) worker.show = (line) => show.note(line);
  const now = task ? new Date(task.now) : new Date();
  try {
    const resumed = given.resume === undefined ? null : resumedRun(given.resume, now);
    const files = [...(resumed?.configs ?? []), ...base];
    if (files.length === 0) throw new UsageError('name a config with --base, or a run with --resume');
    const config = await loadConfig(files, { registry: trainerRegistry, check: checkTrainingConfig, overrides });
    const devices = task ? null : wantedDevices(given, config);
    if (devices && devices.length > 1 && !given.dryRun) {
      if (given.debug) throw new UsageError('--debug is for one process; name one device, or leave it out');
      await runWorkers(devices);
      return;
    }
    const run = resumed?.run ?? newRunFolder({ ...given, now });
    tf.enableProdMode();
    const branches = batchBranches(config, availableParallelism());
    // A run that was killed goes on with the very same bits.
    const { engine, team } = worker
      ? await worker.start()
      : { engine: await useEngine({ device: devices![0], deterministic: true, branches }), team: undefined };
    const common = {
      config,
      run,
      ...(resumed ? { resume: { checkpoint: resumed.checkpoint } } : {}),
      seed: given.seed,
      scaleLr: given.scaleLr,
      device: engine.device,
      ...(engine.device.startsWith('cpu') ? { branches: engine.branches } : {}),
      devices: devices?.length ?? team!.world,
      team,
      ...(maxSeconds === undefined ? {} : { maxSeconds }),
      saveEvery: given.saveEvery,
      strict: given.strict,
      train: given.train,
      test: given.test,
      compile,
      onNote: (line: string) => show.note(line),
      onEvent: (event: TrainEvent) => {
        show.event(event);
        if (event.kind === 'warning') worker?.warn(event.message);
      },
    };
    if (given.dryRun) {
      for (const line of [`dry run on ${engine.device}`, ...describePlan(await dryRun(common))]) print(line);
      if (common.devices > 1)
        print(`measured in one process; the run's ${common.devices} share the batches of an epoch`);
      return;
    }
    const onBegin = () => print(`${run.folder} on ${engine.device}${team ? `, ${team.world} processes` : ''}`);
    const requests = worker?.requests ?? watchSignals(() => show.note(`debugger: ${openDebugger(false)}`));
    try {
      const { why, progress } = await trainFromConfig({ ...common, requests, onBegin });
      show.end();
      print(`${ENDS[why]} after epoch ${progress.epoch}, step ${progress.globalStep}${checkpointOf(why, run)}`);
    } catch (error) {
      show.end();
      if (given.debug && process.stderr.isTTY) {
        print(`training failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
        print('waiting for a debugger; chrome://inspect or node inspect shows it');
        openDebugger(true);
        // biome-ignore lint/suspicious/noDebugger: what --debug is for
        debugger;
      }
      throw error;
    } finally {
      show.end();
      requests.close();
      const moved = given.debug ? await moveToDebugRuns(run.folder) : null;
      if (moved !== null) print(`the run is in ${moved}`);
    }
    await worker?.done();
  } catch (error) {
    if (worker) await worker.fail(error);
    throw error instanceof TrainError && !(error instanceof RunFailure) ? new InputError(error.message) : error;
  }
}

/** By the flags, else by the config. */
function wantedDevices({ gpus, workers }: TrainArguments, { lightning }: ResolvedConfig): Devices {
  if (gpus !== undefined) return devicesOf(gpus, workers, visibleCards);
  const trainer = lightning?.trainer;
  const configured = gpusOfConfig(isTree(trainer) ? trainer.gpus : undefined);
  return devicesOf(configured, workers, visibleCards, 'lightning.trainer.gpus');
}

const ENDS = {
  epochs: 'all epochs are done',
  steps: 'the last step is done',
  time: 'the time is up',
  asked: 'stopped',
  tested: 'tested',
} as const;

const checkpointOf = (why: keyof typeof ENDS, { checkpoints }: { readonly checkpoints: string }): string =>
  why === 'tested' ? '' : `: ${checkpoints}/last.ckpt`;
