import { type Interval, type Resampled, type ResampleOptions, resampled } from './bootstrap.js';
import {
  assertComparable,
  centred,
  columnMeans,
  type Features,
  pickRows,
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
  const set = projected(a, rootOf(b));
  return distanceTo(set, b, spectrumOf(set));
}

/**
 * The distance with a 95 % interval for the choice of the generated images; the reference is taken as given: value ± 1.96 standard
 * deviations by the infinitesimal jackknife, ending at 0. It takes no more than the distance itself. A bootstrap would need a
 * decomposition a resample, and its resamples, which hold images twice, are of lower rank: of 120 images with 150 features its
 * deviation is four times that of fresh draws, the jackknife's 1.1 times.
 */
export function frechetInterval(a: Features, b: Features): Interval {
  assertComparable('Frechet distance', a, b, 2);
  const set = projected(a, rootOf(b));
  const spectrum = spectrumOf(set);
  const value = distanceTo(set, b, spectrum);
  const half = 1.96 * jackknifeDeviation(set, b, spectrum);
  return { value, low: Math.max(0, value - half), high: value + half, n: a.n };
}

/**
 * The distance, and those of samples drawn again, for the difference of two methods over the same pairs (`resampledDifference`). Of
 * themselves resamples say little: they hold images twice, so their distances are all higher, but of one method by about as much
 * as of another: differences keep their middle, and scatter as those of fresh pairs do.
 * @param a generated [n, width] @param b reference [m, width], taken as given
 */
export function frechetResampled(a: Features, b: Features, options: ResampleOptions): Resampled {
  assertComparable('Frechet distance', a, b, 2);
  const { onRoot } = projected(a, rootOf(b));
  const statistic = (rows: Int32Array): number => {
    const drawn = { features: pickRows(a, rows), onRoot: pickRows(onRoot, rows) };
    return distanceTo(drawn, b, spectrumOf(drawn));
  };
  return resampled(a.n, statistic, options);
}

/**
 * Infinitesimal jackknife (Efron 1982, chapter 6): sqrt(sum of squares of what each image adds to the distance) / n. Image x
 * adds 2 (m - r)·(x - m) + |x - m|^2 - (n - 1) (G^(1/2))_xx, less the mean of all, with G = M Mᵀ (see {@link Spectrum}): the derivative of tr (MᵀM)^(1/2) by a row's weight is half of that row's diagonal entry in (M Mᵀ)^(1/2).
 */
function jackknifeDeviation({ features }: Projected, b: Features, spectrum: Spectrum): number {
  const { n, width } = features;
  const means = columnMeans(features);
  const shift = columnMeans(b);
  const diagonal = spectrum.rootDiagonal();
  const adds = Float64Array.from({ length: n }, (_, i) => {
    let sum = -(n - 1) * diagonal[i]!;
    for (let k = 0; k < width; k++) {
      const own = features.values[i * width + k]! - means[k]!;
      sum += 2 * (means[k]! - shift[k]!) * own + own * own;
    }
    return sum;
  });
  const mean = adds.reduce((sum, each) => sum + each, 0) / n;
  return Math.sqrt(adds.reduce((sum, each) => sum + (each - mean) ** 2, 0)) / n;
}

/** What the distance needs of M = X Lᵀ / sqrt(n - 1), X the centred features and Lᵀ L the covariance of the reference. */
interface Spectrum {
  /** Singular values of M. */
  readonly roots: Float64Array;
  /** Diagonal of (M Mᵀ)^(1/2) [n]. */
  rootDiagonal(): Float64Array;
}

/** By whichever Gram matrix of M is smaller. */
function spectrumOf({ onRoot }: Projected): Spectrum {
  const x = centred(onRoot);
  const divisor = x.n - 1;
  const byRows = x.n <= x.width;
  const rows = byRows ? x : transposed(x);
  const size = rows.n;
  const gram = rowProducts(rows, rows).map((value) => value / divisor);
  const { values, vectors } = symmetricEigen(gram, size);
  const roots = rootsOfEigenvalues(values);
  return {
    roots,
    rootDiagonal() {
      // M Mᵀ has these vectors itself; of Mᵀ M they are V, and M V are those of M Mᵀ, as long as their roots.
      const v = { values: vectors(), n: size, width: size };
      const parts = byRows ? v.values : rowProducts(x, transposed(v));
      return Float64Array.from({ length: x.n }, (_, i) => {
        let sum = 0;
        for (const [k, root] of roots.entries()) {
          const part = parts[i * size + k]! ** 2;
          if (root > 0) sum += byRows ? part * root : part / (divisor * root);
        }
        return sum;
      });
    },
  };
}

/**
 * Why distances of so few images mean little; undefined where there are enough on both sides.
 * @param n images @param width of the features @param reference images that the distance is to; default: as many
 */
export function frechetWarning(n: number, width: number, reference = n): string | undefined {
  const least = Math.min(n, reference);
  if (least > 10 * width) return undefined;
  const against = reference === n ? '' : ` to ${reference} real ones`;
  const singular =
    least <= width ? `a covariance of ${width} features needs more than ${width} images to have full rank; ` : '';
  return (
    `Frechet distance of ${n} images${against}: ${singular}it is biased upwards by about 1/n, ` +
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

/** tr (S R)^(1/2) is the sum of the singular values of X Lᵀ / sqrt(n - 1), X the centred features and Lᵀ L = R. */
function distanceTo({ features }: Projected, b: Features, { roots }: Spectrum): number {
  const shift = columnMeans(b);
  const means = columnMeans(features);
  const betweenMeans = means.reduce((sum, mean, i) => sum + (mean - shift[i]!) ** 2, 0);
  const cross = roots.reduce((sum, root) => sum + root, 0);
  return Math.max(0, betweenMeans + totalVariance(features, means) + totalVariance(b, shift) - 2 * cross);
}

/** Trace of the covariance. */
function totalVariance({ values, n, width }: Features, means: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < n; i++) for (let j = 0; j < width; j++) sum += (values[i * width + j]! - means[j]!) ** 2;
  return sum / (n - 1);
}
