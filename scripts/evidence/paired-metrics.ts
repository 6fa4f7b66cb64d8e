import { type Features, frechetResampled, meanIoU, type Resampled, resampled, sumConfusions } from '@codiff/ldm-core';
import { type Measured, seededDraws } from '@codiff/trainer';
import { consistencyOf } from './measure-method.js';

/** Metrics that two methods are compared by, pair by pair. */
export const PAIRED_METRICS = ['mask_accuracy', 'mask_miou', 'text_consistency', 'frechet'] as const;
/** A name from {@link PAIRED_METRICS}. */
export type PairedMetric = (typeof PAIRED_METRICS)[number];

/** Fewer than of means alone: a resample of a Frechet distance is a decomposition. */
export const PAIRED_RESAMPLES = 1000;

/** The same draws each time, so that a resample holds the same pairs of every method. */
const drawing = (seed: number) => ({
  resamples: PAIRED_RESAMPLES,
  random: seededDraws(seed, 'pairs drawn again').random,
});

/** Frechet distance of a method's images, resampled over pairs. @param features one row a pair @param seed the same for all methods */
export const pairedFrechet = (features: Features, reference: Features, seed: number): Resampled =>
  frechetResampled(features, reference, drawing(seed));

/** All of {@link PAIRED_METRICS}, resampled over pairs. @param measured one image a pair, with masks and captions */
export function pairedMetrics(measured: Measured, reference: Features, seed: number): Record<PairedMetric, Resampled> {
  const { features, confusions } = measured;
  const consistency = consistencyOf(measured);
  const mean = (values: Float64Array) =>
    resampled(values.length, (pairs) => pairs.reduce((sum, i) => sum + values[i]!, 0) / pairs.length, drawing(seed));
  return {
    mask_accuracy: mean(consistency.mask_accuracy),
    mask_miou: resampled(features.n, (pairs) => meanIoU(sumConfusions(confusions!, pairs)), drawing(seed)),
    text_consistency: mean(consistency.text_consistency),
    frechet: pairedFrechet(features, reference, seed),
  };
}
