import { type Interval, resample } from './bootstrap.js';
import {
  assertComparable,
  centred,
  columnMeans,
  type Features,
  pickRows,
  type RandomSource,
  rowProducts,
  transposed,
} from './features.js';
import { rootsOfEigenvalues, symmetricEigen } from './symmetric-eigen.js';

/**
 * Frechet distance of two sets of features as Gaussians (Heusel et al. 2017, equation 6; FID where the features are
 * Inception's): |m - r|^2 + tr(S + R - 2 (S R)^(1/2)) with means m, r and covariances S, R (unbiased), all in float64.
 * It is biased: it falls with the number of images, so only distances of the same numbers compare ({@link frechetWarning}).
 * @param a generated [n, width] @param b reference [m, width]
 * @throws RangeError for features of two networks, or fewer than 2 images
 */
export function frechetDistance(a: Features, b: Features): number {
  assertComparable('Frechet distance', a, b, 2);
  return distanceTo(projected(a, rootOf(b)), b);
}

/** What {@link frechetInterval} is told. */
export interface FrechetIntervalOptions {
  /** Resamples; each takes one eigen-decomposition of size min(n, width). */
  readonly resamples: number;
  readonly random: RandomSource['random'];
}

/**
 * The distance with a 95 % interval for the choice of the generated images; the reference is taken as given. Resamples hold
 * images twice, which raises every distance, so the interval is value ± 1.96 standard deviations of them instead of their
 * quantiles; it ends at 0.
 */
export function frechetInterval(a: Features, b: Features, { resamples, random }: FrechetIntervalOptions): Interval {
  assertComparable('Frechet distance', a, b, 2);
  const set = projected(a, rootOf(b));
  const value = distanceTo(set, b);
  const drawn = resample(a.n, { resamples, random }, (rows) =>
    distanceTo({ features: pickRows(a, rows), onRoot: pickRows(set.onRoot, rows) }, b),
  );
  const mean = drawn.reduce((sum, each) => sum + each, 0) / resamples;
  const deviation = Math.sqrt(drawn.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (resamples - 1));
  const half = 1.96 * deviation;
  return { value, low: Math.max(0, value - half), high: value + half, n: a.n };
}

/** Why distances of so few images mean little; undefined where there are enough. @param width of the features */
export function frechetWarning(n: number, width: number): string | undefined {
  if (n > 10 * width) return undefined;
  const singular =
    n <= width ? `a covariance of ${width} features needs more than ${width} images to have full rank; ` : '';
  return (
    `Frechet distance of ${n} images: ${singular}it is biased upwards by about 1/n, ` +
    `so it compares only with other distances of ${n} images against the same reference`
  );
}

/** Images whose features are known, and their products with a root of the reference's covariance. */
interface Projected {
  readonly features: Features;
  /** [n, k] */
  readonly onRoot: Features;
}

/** A matrix L, [k, width], with Lᵀ L the covariance of the reference; k = min(m, width). */
function rootOf(b: Features): Features {
  const scaled = (features: Features, factor: number): Features => ({
    ...features,
    values: features.values.map((value) => value * factor) as Float64Array,
  });
  const rows = scaled(centred(b), 1 / Math.sqrt(b.n - 1));
  if (b.n <= b.width) return rows;
  // Eigenvectors by the roots of their values: Sigma = V D Vᵀ.
  const columns = transposed(rows);
  const { values, vectors } = symmetricEigen(rowProducts(columns, columns), b.width);
  const roots = rootsOfEigenvalues(values);
  const v = transposed({ values: vectors(), n: b.width, width: b.width });
  return { ...v, values: v.values.map((value, at) => value * roots[Math.floor(at / b.width)]!) as Float64Array };
}

const projected = (features: Features, root: Features): Projected => ({
  features,
  onRoot: { values: rowProducts(features, root), n: features.n, width: root.n },
});

/**
 * tr (S R)^(1/2) is the sum of the singular values of X Lᵀ / sqrt(n - 1), X the centred features and Lᵀ L = R: the roots of the
 * eigenvalues of its smaller Gram matrix.
 */
function distanceTo({ features, onRoot }: Projected, b: Features): number {
  const shift = columnMeans(b);
  const means = columnMeans(features);
  const betweenMeans = means.reduce((sum, mean, i) => sum + (mean - shift[i]!) ** 2, 0);
  const x = centred(onRoot);
  const rows = x.n <= x.width ? x : transposed(x);
  const gram = rowProducts(rows, rows).map((value) => value / (features.n - 1));
  const cross = rootsOfEigenvalues(symmetricEigen(gram, rows.n).values).reduce((sum, root) => sum + root, 0);
  return Math.max(0, betweenMeans + totalVariance(features, means) + totalVariance(b, shift) - 2 * cross);
}

/** Trace of the covariance. */
function totalVariance({ values, n, width }: Features, means: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < n; i++) for (let j = 0; j < width; j++) sum += (values[i * width + j]! - means[j]!) ** 2;
  return sum / (n - 1);
}
