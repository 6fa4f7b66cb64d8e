import { copyFile, link, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConfigTree, ParamSpec } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import type { ImageLogState } from '../loop/image-cadence.js';
import type { Divided, Training } from '../steps/train-state.js';
import { TrainError } from '../train-error.js';
import { type BestOptions, type Ranked, rank } from './best.js';
import { optimizerMemory, withOptimizerMemory } from './optimizer-memory.js';
import type { Progress } from './progress.js';
import { loadRunCheckpoint, type RunRecord, readRunRecord, saveRunCheckpoint, saveWeights } from './run-checkpoint.js';

/** What the checkpoints of a run have in common. */
export interface KeeperOptions {
  /** Created if it is not there. */
  readonly folder: string;
  readonly training: Training;
  readonly specs: ReadonlyMap<string, ParamSpec>;
  readonly seed: number;
  readonly config: ConfigTree;
  /** That share each batch; 1 by default. */
  readonly processes?: number;
  /** Parts of a batch that are computed side by side, for the record. */
  readonly branches?: number;
  /** Default: the 10 smallest. */
  readonly ranking?: BestOptions;
}

/** A checkpoint that a run can go on from. */
export interface Restored {
  readonly file: string;
  readonly divided: Divided;
  readonly record: RunRecord;
  /** Newer files that were passed over, with what is wrong with them. */
  readonly skipped: readonly { readonly file: string; readonly problem: string }[];
}

const LAST = 'last.ckpt';

/** The file of an epoch that is finished. */
export const epochFile = (epoch: number): string => `epoch=${String(epoch).padStart(6, '0')}.ckpt`;

/**
 * The checkpoints of one run: `last.ckpt`, and of the epochs those with the best scores. Every file is written beside its
 * place, flushed and renamed, so a run that is killed at any moment leaves complete ones only.
 */
export class CheckpointKeeper {
  /** Kept for their score, best first. */
  best: readonly Ranked[] = [];
  /** What the image logger remembers; null: it has not begun. */
  imageLog: ImageLogState | null = null;

  constructor(private readonly options: KeeperOptions) {}

  /** Replace `last.ckpt`. */
  async saveLast(divided: Divided, progress: Progress): Promise<void> {
    const { folder, training, specs, seed, config, processes = 1, branches } = this.options;
    await mkdir(folder, { recursive: true });
    const { best, imageLog } = this;
    const record: RunRecord = {
      version: 1,
      progress,
      seed,
      best,
      config,
      ...(processes > 1 ? { processes } : {}),
      ...(branches === undefined ? {} : { branches }),
      ...(imageLog ? { imageLog } : {}),
    };
    const contents = { weights: training.weights(divided), memory: optimizerMemory(divided.state), record };
    await saveRunCheckpoint(join(folder, LAST), contents, specs);
  }

  /**
   * Save at the end of an epoch: `last.ckpt`, and the same under the epoch's name if its score is among the best.
   * @param progress at the start of the next epoch @param score null: there is no ranking, and only `last.ckpt` is kept
   */
  async saveEpoch(divided: Divided, progress: Progress, score: number | null): Promise<void> {
    const { folder, ranking = { keep: 10, mode: 'min' } } = this.options;
    const before = this.best;
    const answer =
      score === null
        ? { best: before, kept: false, dropped: [] }
        : rank(before, { file: epochFile(progress.epoch - 1), score }, ranking);
    this.best = answer.best;
    try {
      await this.saveLast(divided, progress);
    } catch (error) {
      this.best = before;
      throw error;
    }
    if (answer.kept) await this.keepLastAs(epochFile(progress.epoch - 1));
    for (const { file } of answer.dropped) await rm(join(folder, file), { force: true });
  }

  /** Weights alone after so many steps, in a folder of their own from which nothing is deleted. */
  async saveTrainStep(divided: Divided, progress: Progress): Promise<void> {
    const { folder, training, specs } = this.options;
    const at = join(folder, 'trainstep_checkpoints');
    await mkdir(at, { recursive: true });
    const name = `epoch=${String(progress.epoch).padStart(6, '0')}-step=${String(progress.globalStep).padStart(9, '0')}.ckpt`;
    await saveWeights(join(at, name), training.weights(divided), specs, progress);
  }

  /**
   * Load the newest complete checkpoint of the folder, and tidy up what a killed run left half done.
   * @returns null if the folder holds none
   * @throws Error with every file's problem if there are checkpoints, but none that can be used
   */
  async restoreNewest(): Promise<Restored | null> {
    const { folder } = this.options;
    const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    for (const name of names) if (/^\..+\.tmp$/.test(name)) await rm(join(folder, name), { force: true });
    const skipped: { file: string; problem: string }[] = [];
    const found: { file: string; batches: number }[] = [];
    for (const file of names.filter(isCheckpoint)) {
      try {
        found.push({ file, batches: (await readRunRecord(join(folder, file))).progress.batches });
      } catch (error) {
        skipped.push({ file, problem: messageOf(error) });
      }
    }
    const newestFirst = (a: { file: string; batches: number }, b: typeof a): number =>
      b.batches - a.batches || Number(b.file === LAST) - Number(a.file === LAST);
    for (const { file } of found.sort(newestFirst)) {
      try {
        return { ...(await this.restore(join(folder, file))), skipped };
      } catch (error) {
        skipped.push({ file, problem: messageOf(error) });
      }
    }
    if (skipped.length === 0) return null;
    const list = skipped.map(({ file, problem }) => `  ${file}: ${problem}`).join('\n');
    throw new TrainError(`${folder}: none of the ${skipped.length} checkpoints can be resumed from:\n${list}`);
  }

  /** Load one checkpoint. @throws CheckpointError, CheckpointMismatch, or Error if its optimizers are not this run's */
  async restore(path: string): Promise<Omit<Restored, 'skipped'>> {
    const { training, specs, folder } = this.options;
    const { weights, memory, record } = await loadRunCheckpoint(path, specs);
    const { frozen, state } = training.divide(weights);
    let divided: Divided;
    try {
      divided = { frozen, state: withOptimizerMemory(state, memory) };
    } catch (error) {
      tf.dispose([...weights.values(), ...memory.values(), ...optimizerMemory(state).values()]);
      throw error;
    }
    const there = new Set(await readdir(folder).catch(() => []));
    const own = epochFile(record.progress.epoch - 1);
    const best: Ranked[] = [];
    for (const each of record.best) {
      // Killed between writing the one name and the other: it is this very file.
      const lost = path === join(folder, LAST) && each.file === own && record.progress.batch === 0;
      if (lost && !there.has(each.file)) await this.keepLastAs(own);
      if (lost || there.has(each.file)) best.push(each);
    }
    this.best = best;
    this.imageLog = record.imageLog ?? null;
    return { file: path, divided, record };
  }

  /** `last.ckpt` under another name too. It is never written in place, so both names may share one content. */
  private async keepLastAs(name: string): Promise<void> {
    const { folder } = this.options;
    const temporary = join(folder, `.${name}.${process.pid}.tmp`);
    await rm(temporary, { force: true });
    await link(join(folder, LAST), temporary).catch(() => copyFile(join(folder, LAST), temporary));
    await rename(temporary, join(folder, name));
    // Renaming onto another name of the same content does nothing and leaves the first.
    await rm(temporary, { force: true });
  }
}

/** The seed that a folder's checkpoints, or one of them, were written with; null if none can be read. */
export async function recordedSeed(folder: string, checkpoint: string | null): Promise<number | null> {
  const names = checkpoint === null ? await readdir(folder).catch(() => []) : [];
  const files = checkpoint === null ? names.filter(isCheckpoint).map((name) => join(folder, name)) : [checkpoint];
  for (const file of files) {
    const record = await readRunRecord(file).catch(() => null);
    if (record !== null) return record.seed;
  }
  return null;
}

/** Temporary files begin with a dot. */
const isCheckpoint = (name: string): boolean => name.endsWith('.ckpt') && !name.startsWith('.');

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
