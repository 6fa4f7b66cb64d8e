import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { atomicWriteText } from '@codiff/ldm-core/node';
import { TrainError } from '../train-error.js';
import { readRunFiles } from './run-files.js';
import { parseRunLog } from './run-log.js';
import { runPage } from './run-page.js';

/** Name of a run's report, in its folder. */
export const RUN_REPORT = 'report.html';

/**
 * Write the report of a training run: curves from its log, and the configs, checkpoints and pictures that lie beside it. It may
 * be written at any time, also while the run goes on.
 * @param run its folder, or its `log.jsonl` @param out default: `report.html` in the folder
 * @returns where it was written
 * @throws TrainError if there is no log
 */
export async function writeRunReport(run: string, out?: string, date = new Date()): Promise<string> {
  const folder = resolve(run.endsWith('.jsonl') ? dirname(run) : run);
  const path = run.endsWith('.jsonl') ? run : join(run, 'log.jsonl');
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
    throw new TrainError(`${path}: there is no such log; name the folder of a run, as codiff train makes it`);
  });
  const page = await runPage({
    name: basename(folder),
    log: parseRunLog(text),
    files: await readRunFiles(folder),
    date,
  });
  const target = out ?? join(dirname(path), RUN_REPORT);
  await atomicWriteText(target, page);
  return target;
}
