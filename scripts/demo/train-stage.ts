import { copyFile, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { compile } from '@codiff/engine';
import { loadConfig } from '@codiff/ldm-core/node';
import {
  checkTrainingConfig,
  dataModuleOf,
  newRunFolder,
  type Requests,
  readLogLines,
  resumedRun,
  trainerRegistry,
  trainFromConfig,
} from '@codiff/trainer';
import type { Spent, StageResult } from './record.js';
import { type Stage, stepOverrides } from './stages.js';
import type { StatusLine } from './status-line.js';

/** Where the runs are. */
const LOGS = 'logs';
/** Steps between writings of `last.ckpt`: what an interruption without warning costs at most. */
const SAVE_EVERY = 200;

/** Ctrl-C: what was trained is saved. */
export class DemoStopped extends Error {}

/** How a stage is trained. */
export interface StageTraining {
  /** null: as many as the config says. */
  readonly steps: number | null;
  /** Of the config. */
  readonly overrides: readonly string[];
  /** Of the engine. */
  readonly branches: number;
  readonly line: StatusLine;
  readonly requests: Requests;
  /** What earlier parts of the same training took. */
  readonly before: Spent;
  /** Told whenever a checkpoint was written: what the training has taken by then. */
  readonly onSpent: (spent: Spent) => Promise<void>;
}

/**
 * Train a stage from its config, as `codiff train` does, or go on with its run; at the end its checkpoint lies where the
 * later stages' configs look for it. The working directory is the demo's folder.
 * @throws DemoStopped after Ctrl-C
 */
export async function trainStage(
  stage: Stage,
  { steps, overrides, branches, line, requests, before, onSpent }: StageTraining,
): Promise<StageResult> {
  const now = new Date();
  const earlier = await earlierRun(stage);
  const resumed = earlier === null ? null : resumedRun(earlier, now);
  const config = await loadConfig(resumed?.configs ?? [stage.config], {
    registry: trainerRegistry,
    check: checkTrainingConfig,
    overrides: [...overrides, ...(steps === null ? [] : stepOverrides(steps))],
  });
  const run = resumed?.run ?? newRunFolder({ logdir: LOGS, name: '', postfix: '', base: [stage.config], now });
  const { batchSize } = dataModuleOf(config.data ?? {});
  const label = stage.name.padEnd(7);
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  const spent = (): Spent => {
    const { user, system } = process.cpuUsage(cpu);
    const seconds = (performance.now() - began) / 1000;
    return { seconds: before.seconds + seconds, cpuSeconds: before.cpuSeconds + (user + system) / 1e6 };
  };
  let told = Promise.resolve();
  line.show(`${label} starting`);
  const { why, progress } = await trainFromConfig({
    config,
    run,
    ...(resumed ? { resume: { checkpoint: null } } : {}),
    seed: null,
    scaleLr: true,
    devices: 1,
    branches,
    saveEvery: SAVE_EVERY,
    strict: true,
    compile,
    requests,
    onNote: () => undefined,
    onEvent: (event) => {
      if (event.kind === 'warning') line.done(`${label} warning: ${event.message}`);
      if (event.kind === 'saved') told = told.then(() => onSpent(spent()));
      if (event.kind !== 'pace') return;
      const { values, pace, forecast, progress } = event;
      const loss = values['train/loss'] ?? values['train/rec_loss'];
      const left = forecast.left === null ? '' : `, ${Math.ceil(forecast.left)} s left`;
      const done = forecast.done === null ? '' : ` ${Math.round(100 * forecast.done)} %,`;
      line.show(
        `${label}${done} step ${progress.globalStep}, loss ${loss?.toFixed(4)}, ${pace.imagesPerSecond.toPrecision(3)} images/s${left}`,
      );
    },
  });
  await told;
  if (why === 'asked') throw new DemoStopped(`${stage.name} stopped after step ${progress.globalStep}, and saved`);
  await publish(join(run.checkpoints, 'last.ckpt'), stage.checkpoint);
  const imagesPerSecond = await speedOf(join(run.folder, 'log.jsonl'));
  return {
    steps: progress.globalStep,
    batchSize,
    ...spent(),
    stepsPerSecond: imagesPerSecond / batchSize,
    imagesPerSecond,
  };
}

/** Images/s of a whole run, by its log: the median, so that neither the first steps, which trace, nor an interruption counts. */
async function speedOf(log: string): Promise<number> {
  const speeds = (await readLogLines(log))
    .flatMap((line) => ('scalars' in line ? [Number(line.scalars['speed/images_per_second'] ?? Number.NaN)] : []))
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  return speeds[Math.floor(speeds.length / 2)] ?? 0;
}

/** The newest run of a stage, which an interrupted demo left. */
async function earlierRun({ config }: Stage): Promise<string | null> {
  const stem = config.slice('configs/'.length, -'.yaml'.length);
  const runs = (await readdir(LOGS)).filter((name) => name.endsWith(`_${stem}`)).sort();
  for (const name of runs.reverse()) {
    // Killed before it had written what it is: there is nothing to go on with.
    const configs = await readdir(join(LOGS, name, 'configs')).catch(() => []);
    if (configs.some((file) => file.endsWith('.yaml'))) return join(LOGS, name);
  }
  return null;
}

/** The user's step after a training of the original: the chosen checkpoint goes under `pretrained/`. */
async function publish(from: string, to: string): Promise<void> {
  await copyFile(from, `${to}.tmp`);
  await rename(`${to}.tmp`, to);
}
