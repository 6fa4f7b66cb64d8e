import { resolve } from 'node:path';
import type { OpenOptions } from '../io/checkpoint.js';
import type { KeyReport } from '../io/key-report.js';
import { Params } from '../nn/params.js';
import type { ParamSpec, StartingPoint } from '../nn/scope.js';
import { loadParamsFile } from './load-params-file.js';

/** How {@link loadStartingPoints} reads. */
export interface StartOptions extends OpenOptions {
  /** Folder that relative paths start from. Default: the working directory. */
  readonly root?: string;
  /** Told what each file gave, from the last one declared to the first. */
  readonly onReport?: (report: KeyReport) => void;
}

/**
 * The weights that checkpoints named by a config (`ckpt_path`) give a model before training. Not strict, as in the original:
 * keys that a file lacks or the model does not know are left alone, but no other shape is taken. Where two files hold a key,
 * the one declared later gives it. A file that nothing more is wanted of is not opened.
 *
 * The whole first set of weights: `loaded.merge(initParams(specs, seed, (key) => !loaded.has(key)))`.
 * @param specs what is wanted: everything declared, or what another checkpoint lacks
 * @returns the weights found, which the caller owns
 * @throws CheckpointError, CheckpointMismatch, or the operating system's error if a file cannot be opened
 */
export async function loadStartingPoints(
  specs: ReadonlyMap<string, ParamSpec>,
  startingPoints: readonly StartingPoint[],
  { root = '.', onReport, ...options }: StartOptions = {},
): Promise<Params> {
  const loaded = new Params();
  try {
    for (const { file, prefixMap, ignoreKeys } of [...startingPoints].reverse()) {
      // A file's keys all lead below some prefix: nothing else can come from it.
      const reached = (key: string) => prefixMap.some(([, to]) => key.startsWith(to));
      const wanted = new Map([...specs].filter(([key]) => !loaded.has(key) && reached(key)));
      if (wanted.size === 0) continue;
      const match = { prefixMap, ignoreKeys, strict: false };
      const { params, report } = await loadParamsFile(resolve(root, file), wanted, { ...options, ...match });
      for (const [key, tensor] of params) loaded.set(key, tensor);
      onReport?.(report);
    }
    return loaded;
  } catch (error) {
    loaded.dispose();
    throw error;
  }
}
