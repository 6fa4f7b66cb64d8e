import { existsSync, readdirSync, statSync } from 'node:fs';
import { mkdir, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { TrainError } from '../train-error.js';

/** Folders and files of a run, as the original lays them out. */
export interface RunFolder {
  readonly folder: string;
  readonly checkpoints: string;
  readonly configs: string;
  readonly testtube: string;
  /** The run's time, which its config files carry. */
  readonly now: string;
}

/** What a run's name is made of. */
export interface RunName {
  readonly logdir: string;
  /** Instead of the first config's name. */
  readonly name: string;
  readonly postfix: string;
  readonly base: readonly string[];
  readonly now: Date;
}

const layout = (folder: string, now: string): RunFolder => ({
  folder,
  checkpoints: join(folder, 'checkpoints'),
  configs: join(folder, 'configs'),
  testtube: join(folder, 'testtube'),
  now,
});

/** Local time as `2026-11-22T19:09:52` with dashes for colons. */
export function timestamp(now: Date): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  const day = [now.getFullYear(), two(now.getMonth() + 1), two(now.getDate())].join('-');
  return `${day}T${[now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join('-')}`;
}

/** The folder of a new run: `<logdir>/<time>_<name, or the first config's><postfix>`. */
export function newRunFolder({ logdir, name, postfix, base, now }: RunName): RunFolder {
  const stem = base[0] === undefined ? '' : basename(base[0], extname(base[0]));
  const label = name !== '' ? name : stem;
  const time = timestamp(now);
  return layout(join(logdir, `${time}${label === '' ? '' : `_${label}`}${postfix}`), time);
}

/** Where `--resume` leads: the run, the checkpoint if one was named, and the run's own configs, in name order. */
export interface ResumedRun {
  readonly run: RunFolder;
  readonly checkpoint: string | null;
  readonly configs: readonly string[];
}

/**
 * The run of a folder, or of a checkpoint file two levels below it.
 * @throws Error if there is no such path, or it is no run
 */
export function resumedRun(path: string, now: Date): ResumedRun {
  if (!existsSync(path)) throw new TrainError(`--resume ${path}: there is no such folder or file`);
  const isFile = statSync(path).isFile();
  const run = layout(isFile ? dirname(dirname(path)) : path, timestamp(now));
  const configs = existsSync(run.configs) ? readdirSync(run.configs).filter((name) => name.endsWith('.yaml')) : [];
  if (configs.length === 0) throw new TrainError(`--resume ${path}: ${run.configs} holds no config, so this is no run`);
  return { run, checkpoint: isFile ? path : null, configs: configs.sort().map((name) => join(run.configs, name)) };
}

/**
 * Where a start of a run logs for TensorBoard: `testtube/version_<n>/tf`, a folder for each start as in the original.
 * @param wanted the version that the config names; null: the next one
 */
export function eventFolder({ testtube }: Pick<RunFolder, 'testtube'>, wanted: number | null): string {
  const names = existsSync(testtube) ? readdirSync(testtube) : [];
  const taken = names.map((name) => Number(/^version_(\d+)$/.exec(name)?.[1] ?? -1));
  return join(testtube, `version_${wanted ?? Math.max(-1, ...taken) + 1}`, 'tf');
}

/** Make the folders of a run. @returns the outermost that had to be made; null if the run's own was there before */
export async function makeRunFolder({ folder, checkpoints, configs, testtube }: RunFolder): Promise<string | null> {
  const made = await mkdir(folder, { recursive: true });
  for (const each of [
    checkpoints,
    configs,
    testtube,
    ...['train', 'val'].map((split) => join(folder, 'images', split)),
  ]) {
    await mkdir(each, { recursive: true });
  }
  return made ?? null;
}

/** Take back what `makeRunFolder` made: the run's folder with all in it, and the folders around it if nothing else is there. */
export async function discardRunFolder({ folder }: Pick<RunFolder, 'folder'>, outermost: string): Promise<void> {
  await rm(folder, { recursive: true });
  for (let at = resolve(folder); at !== resolve(outermost); ) {
    at = dirname(at);
    const isGone = await rmdir(at).then(
      () => true,
      () => false,
    );
    // Another run has begun in it.
    if (!isGone) return;
  }
}
