import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { InputError } from '../input-error.js';
import { FILES } from './imagic-files.js';
import { differences, ImagicSettings, type TunedStage } from './settings.js';
import { readRecord } from './tensor-files.js';

/** What the header of a stage's file says about it. */
const StageRecord = z.strictObject({
  version: z.literal(1),
  stage: z.enum(['embedding', 'weights']),
  /** Iterations that are done. */
  done: z.int().min(0),
  settings: ImagicSettings,
});
type StageRecord = z.output<typeof StageRecord>;

/** The record of a stage after some of its iterations. */
export const stageRecord = (stage: TunedStage, settings: ImagicSettings, done: number): StageRecord => ({
  version: 1,
  stage,
  done,
  settings,
});

/** How far a stage is: finished, stopped after some iterations, or not begun. */
export type StageState = 'finished' | { readonly done: number } | 'new';

const STAGE_FILES = {
  embedding: [FILES.optimized, FILES.partEmbedding],
  weights: [FILES.weights, FILES.partWeights],
} as const;

/**
 * How far a stage is in a folder. Where its files come from another edit, they are not used, and not replaced either.
 * @throws InputError naming what differs
 */
export async function stageState(folder: string, stage: TunedStage, settings: ImagicSettings): Promise<StageState> {
  for (const name of STAGE_FILES[stage]) {
    const path = join(folder, name);
    if (!existsSync(path)) continue;
    const record = await stageRecordOf(path);
    if (record === undefined || record.stage !== stage) {
      throw new InputError(
        `${path}: nothing says which edit it is of; give --force to make it again, or another --save_folder`,
      );
    }
    const differing = differences(record.settings, settings, stage);
    if (differing.length > 0) {
      throw new InputError(
        `${path} is of another edit: ${differing.join(', ')}; give --force to make it again, or another --save_folder`,
      );
    }
    return name === STAGE_FILES[stage][0] ? 'finished' : { done: record.done };
  }
  return 'new';
}

/** The record in a file's header; undefined: none that is understood. */
export async function stageRecordOf(path: string): Promise<StageRecord | undefined> {
  return StageRecord.safeParse(await readRecord(path)).data;
}
