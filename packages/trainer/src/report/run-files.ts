import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** A file of a run's folder. */
export interface RunFile {
  /** Below the folder. */
  readonly name: string;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

/** A picture that was logged while training (original, section 3). */
export interface LoggedPicture {
  readonly path: string;
  /** `train/samples`. */
  readonly key: string;
  readonly step: number;
  readonly epoch: number;
}

/** What a run's folder holds besides its log. */
export interface RunFiles {
  readonly checkpoints: readonly RunFile[];
  /** The configuration of the newest start: names and contents. */
  readonly configs: readonly { readonly name: string; readonly text: string }[];
  /** By key, steps ascending. */
  readonly pictures: ReadonlyMap<string, readonly LoggedPicture[]>;
}

/** Look into a run's folder; what is not there is empty. */
export async function readRunFiles(folder: string): Promise<RunFiles> {
  const checkpoints = (await filesBelow(join(folder, 'checkpoints'))).filter((path) => path.endsWith('.ckpt'));
  const configs = (await filesBelow(join(folder, 'configs'))).filter((path) => path.endsWith('.yaml')).sort();
  const newest = ['project', 'lightning'].flatMap((kind) =>
    configs.filter((path) => path.endsWith(`-${kind}.yaml`)).slice(-1),
  );
  return {
    checkpoints: await Promise.all(checkpoints.sort().map((path) => describe(folder, path))),
    configs: await Promise.all(
      newest.map(async (path) => ({ name: relative(folder, path), text: await readFile(path, 'utf8') })),
    ),
    pictures: picturesOf(folder, await filesBelow(join(folder, 'images'))),
  };
}

function picturesOf(folder: string, paths: readonly string[]): Map<string, LoggedPicture[]> {
  const pictures = new Map<string, LoggedPicture[]>();
  for (const path of paths) {
    const [, key, step, epoch] =
      /^(.+)_gs-(\d+)_e-(\d+)_b-\d+\.png$/.exec(relative(join(folder, 'images'), path)) ?? [];
    if (key === undefined) continue;
    const list = pictures.get(key) ?? [];
    list.push({ path, key, step: Number(step), epoch: Number(epoch) });
    pictures.set(key, list);
  }
  for (const list of pictures.values()) list.sort((a, b) => a.step - b.step || a.epoch - b.epoch);
  return new Map([...pictures].sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function describe(folder: string, path: string): Promise<RunFile> {
  const { size, mtimeMs } = await stat(path);
  return { name: relative(folder, path), bytes: size, modified: mtimeMs };
}

/** Files of a folder and those in it, by path; none if there is no such folder. */
async function filesBelow(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
