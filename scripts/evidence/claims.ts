import { pairedBootstrap, type Resampled, resampledDifference } from '@codiff/ldm-core';
import { seededDraws } from '@codiff/trainer';
import { BASELINES, COLLABORATIONS, type Method } from './methods.js';
import type { ConsistencyScale } from './mix-weight.js';

/** What both conditions are followed by. */
export const CONSISTENCIES = ['mask_accuracy', 'text_consistency'] as const;
/** A name from {@link CONSISTENCIES}. */
export type ConsistencyName = (typeof CONSISTENCIES)[number];

/** What is claimed of: each consistency, and the mean of the two on the scale that the fixed mix was chosen by. */
export const CLAIMED = [...CONSISTENCIES, 'both'] as const;
/** A name from {@link CLAIMED}. */
export type Claimed = (typeof CLAIMED)[number];

/** Both consistencies of every image of a method, in the order of the pairs. */
export type ConsistencyOfImages = Readonly<Record<ConsistencyName, Float64Array>>;

/** What the numbers say. */
export type Verdict = 'holds' | 'does not hold' | 'is not decided';

/** One statement of the paper's claim: that a collaboration follows a condition better than a baseline. */
export interface ConsistencyClaim {
  readonly method: (typeof COLLABORATIONS)[number];
  readonly baseline: (typeof BASELINES)[number];
  readonly metric: Claimed;
  /** Mean difference over pairs with the same conditions and noise, with its 95 % interval. */
  readonly difference: number;
  readonly low: number;
  readonly high: number;
  readonly n: number;
  readonly verdict: Verdict;
}

/** Whether image quality is kept, against one baseline. */
export interface QualityClaim {
  readonly method: (typeof COLLABORATIONS)[number];
  readonly baseline: (typeof BASELINES)[number];
  /** Frechet distance of the collaboration less that of the baseline, with its 95 % interval over the same pairs. */
  readonly difference: number;
  readonly low: number;
  readonly high: number;
  readonly n: number;
  readonly verdict: Verdict;
}

/** All statements. */
export interface Claims {
  readonly consistency: readonly ConsistencyClaim[];
  readonly quality: readonly QualityClaim[];
}

const RESAMPLES = 5000;

/**
 * The paper's claim, statement by statement. A consistency is better where the 95 % interval of the paired difference (bootstrap
 * over pairs) lies above 0, not better where it lies below, else not decided. Quality is kept where that of the Frechet distance
 * does not reach above 0, lost where it lies above, else not decided.
 * @param frechet of every method, resampled by the same draws
 * @param scale of both consistencies, that their mean is of
 */
export function judgeClaims(
  images: Readonly<Record<Method, ConsistencyOfImages>>,
  frechet: Readonly<Record<Method, Resampled>>,
  { scale, seed }: { readonly scale: ConsistencyScale; readonly seed: number },
): Claims {
  const pairs = COLLABORATIONS.flatMap((method) => BASELINES.map((baseline) => ({ method, baseline })));
  const consistency = pairs.flatMap(({ method, baseline }) =>
    CLAIMED.map((metric): ConsistencyClaim => {
      const [ours, theirs] = [valuesOf(images[method], metric, scale), valuesOf(images[baseline], metric, scale)];
      const { value, low, high, n } = pairedBootstrap(ours, theirs, {
        resamples: RESAMPLES,
        random: seededDraws(seed, 'claim', method, baseline, metric).random,
      });
      const verdict = low > 0 ? 'holds' : high < 0 ? 'does not hold' : 'is not decided';
      return { method, baseline, metric, difference: value, low, high, n, verdict };
    }),
  );
  const quality = pairs.map(({ method, baseline }): QualityClaim => {
    const { value, low, high, n } = resampledDifference(frechet[method], frechet[baseline]);
    const verdict = high <= 0 ? 'holds' : low > 0 ? 'does not hold' : 'is not decided';
    return { method, baseline, difference: value, low, high, n, verdict };
  });
  return { consistency, quality };
}

function valuesOf(images: ConsistencyOfImages, metric: Claimed, scale: ConsistencyScale): Float64Array {
  if (metric !== 'both') return images[metric];
  const text = images.text_consistency;
  return images.mask_accuracy.map((mask, i) => (scale.mask_accuracy(mask) + scale.text_consistency(text[i]!)) / 2);
}

/** Whether every statement about one collaboration holds; the worst verdict otherwise. */
export function overallVerdict(claims: Claims, method: (typeof COLLABORATIONS)[number]): Verdict {
  const verdicts = [...claims.consistency, ...claims.quality]
    .filter((claim) => claim.method === method)
    .map(({ verdict }) => verdict);
  if (verdicts.includes('does not hold')) return 'does not hold';
  return verdicts.includes('is not decided') ? 'is not decided' : 'holds';
}
