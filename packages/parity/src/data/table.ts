import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { listCases } from '../cases/case-folder.js';
import { messageOf } from '../cases/problems.js';
import type { CaseResult } from '../run/run-case.js';
import { bertTokens } from './bert-tokens.js';
import { checkpoints } from './checkpoint.js';
import type { DataCheck } from './data-check.js';
import { datasets } from './dataset.js';
import { FIXTURES } from './fixtures.js';
import { stateDictKeys } from './state-dict-keys.js';

const CHECKS: readonly DataCheck[] = [bertTokens, checkpoints, datasets, stateDictKeys];

/** Names by which `--kinds` selects data checks. */
export const DATA_NAMES: readonly string[] = CHECKS.map(({ name }) => name);

/** Check a folder without `config.yaml`. @returns nothing, if it is of no known form or not selected */
export async function checkData(folder: string, kinds?: readonly string[]): Promise<CaseResult | undefined> {
  const found = CHECKS.find(({ file }) => existsSync(join(folder, file)));
  if (found === undefined || (kinds !== undefined && !kinds.includes(found.name))) return undefined;
  const began = performance.now();
  const base = { case: basename(folder), kind: found.name, mode: 'data' as const };
  try {
    const outputs = await found.check(folder);
    const ok = outputs.length > 0 && outputs.every((output) => output.ok);
    return { ...base, ok, outputs, seconds: (performance.now() - began) / 1000 };
  } catch (error) {
    return { ...base, ok: false, failure: messageOf(error), outputs: [], seconds: (performance.now() - began) / 1000 };
  }
}

/** Check the data among the committed fixtures: all of it, or what a name selects. @throws Error if any is missing */
export async function checkFixtureData(names: readonly string[] = DATA_NAMES): Promise<CaseResult[]> {
  const { others } = listCases(FIXTURES);
  const results = (await Promise.all(others.map((folder) => checkData(folder, names)))).filter(
    (result) => result !== undefined,
  );
  for (const name of names) {
    if (!results.some(({ kind }) => kind === name)) throw new Error(`${FIXTURES}: no folder holds the data '${name}'`);
  }
  return results;
}
