import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { ResolvedConfig } from '@codiff/ldm-core';
import { loadConfig } from '@codiff/ldm-core/node';
import { checkTrainingConfig, readRunRecord, resumedRun, trainerRegistry } from '@codiff/trainer';
import { flagOverrides, LOGS, overridesOf, type PretrainStage, runName } from './stage-table.js';

/** A run that a stage goes on with. */
export interface EarlierRun {
  /** From the repository's root. */
  readonly folder: string;
  /** Optimizer steps that its last checkpoint has taken; 0 where there is none yet. */
  readonly steps: number;
  /** All of the stage's steps are taken. */
  readonly finished: boolean;
}

/** The newest run of a stage, or why there is none to go on with. */
export type RunChoice = { readonly run: EarlierRun } | { readonly run: null; readonly why: string };

/** The config that a stage trains, checked. @param root the repository */
export const configOf = (stage: PretrainStage, root: string): Promise<ResolvedConfig> =>
  loadConfig(stage.config, {
    registry: trainerRegistry,
    check: checkTrainingConfig,
    overrides: [...overridesOf(stage), ...flagOverrides(stage)],
    root,
  });

/**
 * The newest run of a stage, if it trains what the stage table says: a run of an earlier table or of an earlier config is left alone.
 * @param root the repository
 */
export async function chooseRun(stage: PretrainStage, root: string): Promise<RunChoice> {
  const logs = join(root, LOGS);
  const names = existsSync(logs) ? readdirSync(logs).filter((name) => name.endsWith(`_${runName(stage)}`)) : [];
  const newest = names.sort().at(-1);
  if (newest === undefined) return { run: null, why: 'there is no earlier run' };
  const folder = `${LOGS}/${newest}`;
  const configs = join(root, folder, 'configs');
  // Stopped before it had written what it is.
  if (!existsSync(configs) || !readdirSync(configs).some((name) => name.endsWith('.yaml'))) {
    return { run: null, why: `${folder} was stopped before its first step` };
  }
  const config = await loadConfig(resumedRun(join(root, folder), new Date()).configs, {
    registry: trainerRegistry,
    check: checkTrainingConfig,
  });
  const other = differing(config, await configOf(stage, root));
  if (other !== null) return { run: null, why: `${folder} trains something else (its '${other}' is not the stage's)` };
  const checkpoint = join(root, folder, 'checkpoints/last.ckpt');
  const steps = existsSync(checkpoint) ? (await readRunRecord(checkpoint)).progress.globalStep : 0;
  return { run: { folder, steps, finished: steps >= stage.steps } };
}

/** The first section in which two configs differ. */
function differing(a: ResolvedConfig, b: ResolvedConfig): string | null {
  const sections = ['model', 'model_files', 'data', 'lightning'] as const;
  return sections.find((section) => !isDeepStrictEqual(a[section], b[section])) ?? null;
}
