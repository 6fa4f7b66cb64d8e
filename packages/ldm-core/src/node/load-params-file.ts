import type { OpenOptions } from '../io/checkpoint.js';
import type { KeyReport } from '../io/key-report.js';
import { type LoadOptions, loadParams } from '../io/load-params.js';
import type { Params } from '../nn/params.js';
import type { ParamSpec } from '../nn/scope.js';
import { openCheckpointFile } from './open-checkpoint-file.js';

/**
 * Load the declared parameters from a checkpoint file: the inverse of `saveParams`. Opens the file, calls `loadParams`,
 * closes it.
 * @returns the weights, which the caller owns, and the report on keys
 * @throws CheckpointMismatch, CheckpointError, or the operating system's error if the file cannot be opened
 */
export async function loadParamsFile(
  path: string,
  specs: ReadonlyMap<string, ParamSpec>,
  options: LoadOptions & OpenOptions = {},
): Promise<{ params: Params; report: KeyReport }> {
  const checkpoint = await openCheckpointFile(path, options);
  try {
    return await loadParams(specs, checkpoint, options);
  } finally {
    await checkpoint.close();
  }
}
