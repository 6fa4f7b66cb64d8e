import { existsSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { compile } from '@codiff/engine';
import { atomicWriteText, loadConfig } from '@codiff/ldm-core/node';
import {
  checkTrainingConfig,
  newRunFolder,
  type Requests,
  resumedRun,
  trainerRegistry,
  trainFromConfig,
} from '@codiff/trainer';
import type { StatusLine } from '../demo/status-line.js';
import { EvidenceStopped } from './evidence-error.js';
import { TRAINING_SEED } from './options.js';
import type { Times } from './times.js';

/** A variant of the collaborative model that is trained anew. */
export interface Variant {
  readonly name: string;
  /** Configs of the model, merged left to right, from the root. */
  readonly configs: readonly string[];
}

/** What training it ended with. */
export interface TrainedVariant {
  /** The whole model. */
  readonly checkpoint: string;
  readonly steps: number;
  /** Wall time of all parts of it together. */
  readonly seconds: number;
}

/** How a variant is trained. */
export interface VariantTraining {
  /** Folder of its runs. */
  readonly folder: string;
  readonly steps: number;
  /** Wall time, at most. */
  readonly maxSeconds: number;
  /** Folder that paths of configs start from; it is the working directory. */
  readonly root: string;
  readonly line: StatusLine;
  readonly requests: Requests;
  readonly times: Times;
}

const DONE = 'done.json';
/** Steps between writings of `last.ckpt`. */
const SAVE_EVERY = 100;

/** Overrides of the config: the length, and no pictures on the way. */
export const trainingOverrides = (steps: number): string[] => [
  `lightning.trainer.max_steps=${steps}`,
  `lightning.trainer.log_every_n_steps=${Math.min(20, steps)}`,
  'lightning.trainer.num_sanity_val_steps=0',
  'lightning.trainer.limit_val_batches=0',
  `lightning.callbacks.image_logger.params.batch_frequency=${10 * steps}`,
  `model.params.scheduler_config.params.cycle_lengths=[${steps}]`,
  `model.params.scheduler_config.params.warm_up_steps=[${Math.min(20, Math.ceil(steps / 4))}]`,
];

/**
 * Train the dynamic diffusers of a variant over the frozen models that its config names, or go on with its run.
 * @throws EvidenceStopped after Ctrl-C
 */
export async function trainVariant({ name, configs }: Variant, training: VariantTraining): Promise<TrainedVariant> {
  const { folder, steps, maxSeconds, root, line, requests, times } = training;
  const done = join(folder, DONE);
  if (existsSync(done)) return JSON.parse(readFileSync(done, 'utf8')) as TrainedVariant;
  const part = `training of ${name}`;
  const spent = times.seconds[part] ?? 0;
  const now = new Date();
  const earlier = await earlierRun(folder);
  const resumed = earlier === null ? null : resumedRun(earlier, now);
  const config = await loadConfig(resumed?.configs ?? configs, {
    registry: trainerRegistry,
    check: checkTrainingConfig,
    overrides: trainingOverrides(steps),
    root,
  });
  const run = resumed?.run ?? newRunFolder({ logdir: folder, name, postfix: '', base: configs, now });
  line.show(`${name} starting`);
  const { why, progress } = await times.of(part, () =>
    trainFromConfig({
      config,
      run,
      ...(resumed ? { resume: { checkpoint: null } } : {}),
      seed: TRAINING_SEED,
      scaleLr: true,
      devices: 1,
      root,
      maxSeconds: Math.max(1, maxSeconds - spent),
      saveEvery: SAVE_EVERY,
      strict: true,
      test: false,
      compile,
      requests,
      onNote: () => undefined,
      onEvent: (event) => {
        if (event.kind === 'warning') line.done(`${name} warning: ${event.message}`);
        if (event.kind !== 'pace') return;
        const { forecast, pace, progress } = event;
        const left = forecast.left === null ? '' : `, ${Math.ceil(forecast.left)} s left`;
        line.show(
          `${name} step ${progress.globalStep} of ${steps}, ${pace.imagesPerSecond.toPrecision(3)} images/s${left}`,
        );
      },
    }),
  );
  if (why === 'asked')
    throw new EvidenceStopped(`evidence: ${name} stopped after step ${progress.globalStep}, and saved`);
  const trained: TrainedVariant = {
    checkpoint: join(run.checkpoints, 'last.ckpt'),
    steps: progress.globalStep,
    seconds: times.seconds[part]!,
  };
  await atomicWriteText(done, `${JSON.stringify(trained, null, 1)}\n`);
  line.done(`${name.padEnd(22)} ${trained.steps} steps in ${trained.seconds.toFixed(0)} s`);
  return trained;
}

/** The newest run of a variant, which an interruption left. */
async function earlierRun(folder: string): Promise<string | null> {
  if (!existsSync(folder)) return null;
  const runs = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  for (const { name } of runs.sort((a, b) => (a.name < b.name ? 1 : -1))) {
    // Killed before it had a checkpoint: there is nothing to go on with.
    if (existsSync(join(folder, name, 'checkpoints/last.ckpt'))) return join(folder, name);
  }
  return null;
}
