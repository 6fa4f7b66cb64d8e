import { basename } from 'node:path';
import { type CaseFile, listCases, readCase } from '../cases/case-folder.js';
import { messageOf } from '../cases/problems.js';
import { checkData, DATA_NAMES } from '../data/table.js';
import type { CaseContext, Mode } from '../kinds/kind.js';
import { KIND_NAMES, KINDS } from '../kinds/table.js';
import { type CaseResult, runCase } from './run-case.js';

/** What to run, and who is told. */
export interface RunOptions {
  readonly folder: string;
  /** Kinds and data names to run; all if absent. */
  readonly kinds?: readonly string[] | undefined;
  readonly modes: readonly Mode[];
  /** How a mode runs a function. */
  readonly call: (mode: Mode) => CaseContext['call'];
  readonly onResult?: (result: CaseResult) => void;
}

/** What a run found. */
export interface RunReport {
  readonly results: readonly CaseResult[];
  /** Names of the subfolders that are no cases. */
  readonly skipped: readonly string[];
  /** Names of the cases that `kinds` left out. */
  readonly unselected: readonly string[];
  readonly ok: boolean;
}

/**
 * Run every case of a folder, in name order, in every mode; a failure never keeps the next case from running. Folders
 * that are data with a check of their own (token lists, checkpoints) follow.
 *
 * @throws Error where there is nothing to run, or `kinds` holds an unknown name
 */
export async function runFolder(options: RunOptions): Promise<RunReport> {
  const { folder, kinds, modes, onResult } = options;
  const known: readonly string[] = [...KIND_NAMES, ...DATA_NAMES];
  for (const kind of kinds ?? []) {
    if (!known.includes(kind)) throw new Error(`--kinds: unknown kind '${kind}'; known: ${known.join(', ')}`);
  }
  const { cases, others } = listCases(folder);
  if (cases.length === 0) throw new Error(`${folder}: no case (no subfolder holds a config.yaml)`);

  const results: CaseResult[] = [];
  const add = (result: CaseResult): void => {
    results.push(result);
    onResult?.(result);
  };
  const unselected: string[] = [];
  for (const path of cases) {
    let opened: CaseFile;
    try {
      opened = readCase(path);
    } catch (error) {
      add(broken(path, messageOf(error)));
      continue;
    }
    const kindName = String(opened.config.kind);
    const fail = (failure: string): void => add({ ...broken(path, failure), kind: kindName });
    const isKnown = (KIND_NAMES as readonly string[]).includes(kindName);
    if (!isKnown) fail(`field 'kind': unknown kind '${kindName}'`);
    else if (kinds !== undefined && !kinds.includes(kindName)) unselected.push(opened.name);
    else {
      const kind = KINDS.get(kindName);
      if (kind === undefined) fail(`kind '${kindName}' is not built yet`);
      else for (const mode of modes) add(await runCase(opened, kind, mode, options.call(mode)));
    }
  }
  for (const path of others) {
    const result = await checkData(path, kinds);
    if (result !== undefined) add(result);
  }
  if (results.length === 0) throw new Error(`${folder}: no case of the kinds asked for (${kinds?.join(', ')})`);
  return { results, skipped: others.map((path) => basename(path)), unselected, ok: results.every(({ ok }) => ok) };
}

function broken(path: string, failure: string): CaseResult {
  return { case: basename(path), kind: '?', mode: 'data', ok: false, failure, outputs: [], seconds: 0 };
}
