import {
  bootstrapInterval,
  bootstrapMean,
  type Confusion,
  diversityOf,
  frechetInterval,
  frechetWarning,
  type Interval,
  kernelDistance,
  meanIoU,
  pickRows,
  pixelAccuracy,
  sumConfusions,
} from '@codiff/ldm-core';
import { seededDraws, shuffled } from '../data/draws.js';
import { EvaluationError } from './evaluation-error.js';
import type { Measured } from './measure.js';

/** How many images an evaluation looks at: all there are, 50 as the paper does, or 3000. */
export const PROTOCOLS = { all: null, paper: 50, large: 3000 } as const;
/** A name from {@link PROTOCOLS}. */
export type ProtocolName = keyof typeof PROTOCOLS;

/** What is measured. */
export const metricNames = [
  'mask_accuracy',
  'mask_miou',
  'text_consistency',
  'text_gender',
  'text_age',
  'text_beard',
  'frechet',
  'kid',
  'diversity',
  'diversity_lpips',
  'identity',
] as const;
/** A name from {@link metricNames}. */
export type MetricName = (typeof metricNames)[number];

/** One value of a table, with its 95 % interval. */
export interface EvaluationRow extends Interval {
  readonly protocol: ProtocolName;
  readonly metric: MetricName;
}

/** A table, and what to know about its values. */
export interface EvaluationTable {
  readonly rows: readonly EvaluationRow[];
  readonly warnings: readonly string[];
}

/** What {@link evaluationTable} is told. */
export interface TableOptions {
  readonly protocol: ProtocolName;
  /** Decides which images are looked at, and the resamples. */
  readonly seed: number;
  /** Resamples of each bootstrap; 1000 by default. */
  readonly resamples?: number;
}

/** Fewer images give no distance that means anything, even as a warning. */
const LEAST = 10;

/**
 * The metrics of a protocol. Where it asks for fewer images than there are, they are drawn by the seed, from either side.
 * Intervals are bootstraps over conditions, since samples of one condition are not independent; those of the distances are their own.
 * @param reference the features of real images; absent: no distances
 * @throws EvaluationError if there are too few images for the protocol, or for any
 */
export function evaluationTable(
  generated: Measured,
  reference: Pick<Measured, 'features'> | undefined,
  { protocol, seed, resamples }: TableOptions,
): EvaluationTable {
  const wanted = PROTOCOLS[protocol];
  requireImages(generated.features.n, wanted, protocol, 'images');
  if (reference) requireImages(reference.features.n, null, protocol, 'reference images');
  const warnings: string[] = [];
  const rows: EvaluationRow[] = [];
  const add = (metric: MetricName, interval: Interval): void => {
    const { value, low, high, n } = interval;
    rows.push({ protocol, metric, value, low, high, n });
  };
  const groups = groupsOf(generated.conditions, wanted, seed);
  const chosen = groups.flat();
  const random = (metric: string) => seededDraws(seed, protocol, metric).random;
  const interval = (metric: MetricName, statistic: (images: number[]) => number): Interval => ({
    ...bootstrapInterval(groups.length, (drawn) => statistic(Array.from(drawn).flatMap((i) => groups[i]!)), {
      resamples: resamples ?? 1000,
      random: random(metric),
    }),
    n: chosen.length,
  });
  const mean = (values: Float64Array) => (images: number[]) =>
    images.reduce((sum, i) => sum + values[i]!, 0) / images.length;

  const { confusions, text, identity } = generated;
  if (confusions) {
    // Counts of a condition once for all: resamples then add up few of them.
    const sums = groups.map((images) => Int32Array.from(sumConfusions(confusions, images)));
    const ofGroups = (metric: MetricName, statistic: (counts: Float64Array) => number): Interval => ({
      ...bootstrapInterval(sums.length, (drawn) => statistic(sumConfusions(sums as Confusion[], drawn)), {
        resamples: resamples ?? 1000,
        random: random(metric),
      }),
      n: chosen.length,
    });
    add('mask_accuracy', ofGroups('mask_accuracy', pixelAccuracy));
    add('mask_miou', ofGroups('mask_miou', meanIoU));
  }
  if (text) {
    add('text_consistency', interval('text_consistency', mean(text.overall)));
    for (const [part, values] of text.parts) {
      const metric = metricNames.find((name) => name === `text_${part}`);
      if (metric) add(metric, interval(metric, mean(values)));
    }
  }
  if (reference) {
    const a = pickRows(generated.features, chosen);
    const b = pickRows(reference.features, choose(reference.features.n, wanted, seed));
    add('frechet', frechetInterval(a, b));
    add('kid', kernelDistance(a, b, { random: random('kid') }));
    const warning = frechetWarning(a.n, a.width, b.n);
    if (warning) warnings.push(warning);
  }
  const several = groups.filter((images) => images.length > 1);
  if (several.length > 0) {
    const values = diversityOf(generated.features, several);
    const options = { resamples: resamples ?? 1000, random: random('diversity') };
    add('diversity', bootstrapMean(values, options));
  }
  const { pairs } = generated;
  if (several.length > 0 && pairs) {
    // Distances of a condition are of all its samples, also where a protocol looks at fewer of them.
    const values = Float64Array.from(several, ([first]) => pairs.get(generated.conditions[first!]!)!);
    add('diversity_lpips', bootstrapMean(values, { resamples: resamples ?? 1000, random: random('diversity_lpips') }));
  }
  if (identity) add('identity', interval('identity', mean(identity)));
  if (wanted === PROTOCOLS.paper) {
    warnings.push(
      `the paper's ${wanted} images: a Frechet distance of ${wanted} images is not comparable with one of 3000, nor with published ones`,
    );
  }
  return { rows, warnings };
}

function requireImages(n: number, wanted: number | null, protocol: ProtocolName, what: string): void {
  const least = wanted ?? LEAST;
  if (n >= least) return;
  const advice =
    wanted === null ? 'make more of them' : `make more of them, or take another --protocol than '${protocol}'`;
  throw new EvaluationError(`too few ${what}: ${n}; wanted at least ${least}: ${advice}`);
}

/** Rows of a reference that a protocol looks at, in order. */
function choose(n: number, wanted: number | null, seed: number): number[] {
  const all = Array.from({ length: n }, (_, i) => i);
  if (wanted === null || wanted >= n) return all;
  return [...shuffled(n, seededDraws(seed, 'protocol', 'reference')).subarray(0, wanted)].sort((a, b) => a - b);
}

/**
 * Images of each condition; where a protocol wants fewer than there are, of conditions that are drawn: one image of each before a
 * second of any, as a model is sampled for that protocol alone.
 */
function groupsOf(conditions: Int32Array, wanted: number | null, seed: number): number[][] {
  const groups = new Map<number, number[]>();
  for (const [i, condition] of conditions.entries()) {
    const group = groups.get(condition) ?? [];
    groups.set(condition, group);
    group.push(i);
  }
  const all = [...groups.values()];
  if (wanted === null || wanted >= conditions.length) return all;
  const drawn = Array.from(shuffled(all.length, seededDraws(seed, 'protocol', 'generated')), (i) => all[i]!);
  const taken = drawn.map((): number[] => []);
  for (let round = 0, left = wanted; left > 0; round++) {
    for (const [i, images] of drawn.entries()) {
      if (left === 0 || round >= images.length) continue;
      taken[i]!.push(images[round]!);
      left--;
    }
  }
  return taken.filter((images) => images.length > 0);
}
