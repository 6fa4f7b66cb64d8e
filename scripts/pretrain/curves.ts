import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseRunLog, type RunLog } from '@codiff/trainer';
import type { Curve, ShippedRecord } from './shipped-record.js';
import { isAutoencoder, type StageName } from './stage-table.js';

/** Points of a curve that is kept. */
const POINTS = 60;

/** What a stage minimises, but for weights of its terms. */
export const lossName = (stage: StageName): string => (isAutoencoder(stage) ? 'rec_loss' : 'loss_simple');

/** The log of a run. @param folder of the run */
export const readLog = async (folder: string): Promise<RunLog> =>
  parseRunLog(await readFile(join(folder, 'log.jsonl'), 'utf8'));

/** The losses of a run, thinned to means over equal stretches. */
export function curvesOf(stage: StageName, { scalars }: Pick<RunLog, 'scalars'>): ShippedRecord['curves'] {
  const name = lossName(stage);
  return {
    name,
    train: thinned(scalars.get(`train/${name}`) ?? []),
    validation: thinned(scalars.get(`val/${name}`) ?? []),
  };
}

/** Images a second of a run, the median of what it logged, in 3 digits. */
export function medianSpeed({ scalars }: Pick<RunLog, 'scalars'>): number {
  const speeds = (scalars.get('speed/images_per_second') ?? []).map(([, value]) => value).filter(Number.isFinite);
  return Number((speeds.sort((a, b) => a - b)[Math.floor(speeds.length / 2)] ?? 0).toPrecision(3));
}

/** Means over equal stretches, each at its last step, in 4 digits. Values that are not finite are left out. */
export function thinned(points: Curve, most = POINTS): Curve {
  const finite = points.filter(([, value]) => Number.isFinite(value));
  const length = Math.min(most, finite.length);
  return Array.from({ length }, (_, i) => {
    const part = finite.slice(Math.floor((i * finite.length) / length), Math.floor(((i + 1) * finite.length) / length));
    const mean = part.reduce((sum, [, value]) => sum + value, 0) / part.length;
    return [part.at(-1)![0], Number(mean.toPrecision(4))] as const;
  });
}
