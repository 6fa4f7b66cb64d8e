import { pixelAccuracy } from '@codiff/ldm-core';
import {
  type EvaluationNetworks,
  type EvaluationRow,
  evaluationTable,
  type Measured,
  measureImages,
} from '@codiff/trainer';
import type { ConsistencyOfImages } from './claims.js';
import { entriesOf, type PlannedImage } from './image-folder.js';
import { type EvidenceRow, METRICS } from './record.js';

/** How images of a method are measured. */
export interface MethodMeasuring {
  readonly networks: EvaluationNetworks;
  /** Images at once. */
  readonly batchSize: number;
  /** Features of the real images. */
  readonly reference: Pick<Measured, 'features'>;
  /** Of the intervals. */
  readonly seed: number;
  readonly signal: AbortSignal;
}

/** What the images of a method give. */
export interface MethodMeasures<M extends string> {
  readonly rows: readonly EvidenceRow<M>[];
  readonly consistency: ConsistencyOfImages;
  readonly warnings: readonly string[];
  readonly measured: Measured;
}

/** Run the networks over images of a plan, each pair of which comes once. */
export const measurePlan = (
  folder: string,
  plan: readonly PlannedImage[],
  { networks, batchSize, signal }: Pick<MethodMeasuring, 'networks' | 'batchSize' | 'signal'>,
): Promise<Measured> => measureImages(entriesOf(folder, plan), { networks, batchSize, signal });

/** Consistency of each image with its mask and its text. @param measured with masks and captions */
export function consistencyOf({ confusions, text }: Measured): ConsistencyOfImages {
  return {
    mask_accuracy: Float64Array.from(confusions!, (counts) => pixelAccuracy(counts)),
    text_consistency: text!.overall,
  };
}

/**
 * All metrics of a method: those of `codiff evaluate`, of the first sample of every pair; the diversity of pairs with two.
 * @param once the first samples @param twice both samples of some pairs
 */
export async function measureMethod<M extends string>(
  method: M,
  folder: string,
  { once, twice }: { once: readonly PlannedImage[]; twice: readonly PlannedImage[] },
  measuring: MethodMeasuring,
): Promise<MethodMeasures<M>> {
  const { reference, seed } = measuring;
  const first = await measurePlan(folder, once, measuring);
  const table = evaluationTable(first, reference, { protocol: 'all', seed });
  const diversity =
    twice.length === 0
      ? []
      : evaluationTable(await measurePlan(folder, twice, measuring), undefined, { protocol: 'all', seed }).rows.filter(
          ({ metric }) => metric === 'diversity',
        );
  const rows = rowsOf(method, [...table.rows, ...diversity]);
  return { rows, consistency: consistencyOf(first), warnings: table.warnings, measured: first };
}

/** Those rows of an evaluation that the table shows. */
export const rowsOf = <M extends string>(method: M, rows: readonly EvaluationRow[]): EvidenceRow<M>[] =>
  rows.flatMap(({ metric, value, low, high, n }) => {
    const own = METRICS.find((name) => name === metric);
    return own === undefined ? [] : [{ method, metric: own, value, low, high, n }];
  });
