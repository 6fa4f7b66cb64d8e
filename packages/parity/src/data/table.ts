import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { messageOf } from '../cases/problems.js';
import type { CaseResult, OutputResult } from '../run/run-case.js';

/** A folder of data that is no case, but has something of ours to hold against it. */
export interface DataCheck {
  readonly name: string;
  /** The file by which such a folder is recognised; its own name means nothing. */
  readonly file: string;
  /** One line of the report for each thing compared. */
  readonly check: (folder: string) => Promise<OutputResult[]>;
}

const CHECKS: readonly DataCheck[] = [];

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
