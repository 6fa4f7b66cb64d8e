import type { Interval } from './bootstrap.js';
import { assertComparable, type Features, pickRows, type RandomSource, rowProducts } from './features.js';

/** What {@link kernelDistance} is told. */
export interface KidOptions {
  /** Subsets that are drawn; 100 by default. */
  readonly subsets?: number;
  /** Images of a subset, of either side; by default 1000, or half of the smaller side where that is less. */
  readonly subsetSize?: number;
  readonly random: RandomSource['random'];
}

/** A kernel distance: mean over subsets, and their standard deviation. */
export interface KernelDistance extends Interval {
  readonly deviation: number;
  readonly subsetSize: number;
}

/** Rows of either side whose products are held in memory: 3 x 200 MB of them. */
const MOST_ROWS = 5000;
const SUBSET_SIZE = 1000;

/**
 * Kernel Inception distance (Binkowski et al. 2018): the unbiased squared maximum mean discrepancy under the kernel
 * (x·y / width + 1)^3, over random subsets without replacement. Unlike the Frechet distance it has no bias from the number of
 * images; it may be slightly negative. Of more than 5000 images on a side, 5000 are drawn.
 * The 95 % interval is that of the whole sample: subsets of m out of n images scatter by sqrt((n - m) / m) of it.
 * @throws RangeError for features of two networks, fewer than 4 images, or subsets that leave no image out
 */
export function kernelDistance(
  generated: Features,
  reference: Features,
  { subsets = 100, subsetSize, random }: KidOptions,
): KernelDistance {
  assertComparable('kernel distance', generated, reference, 4);
  const [a, b] = [atMost(generated, random), atMost(reference, random)];
  const least = Math.min(a.n, b.n);
  const size = subsetSize ?? Math.min(SUBSET_SIZE, Math.floor(least / 2));
  if (!(size >= 2 && size < least)) {
    throw new RangeError(`kernel distance: subsets of ${size} out of ${least} images; wanted 2 to ${least - 1}`);
  }
  const kernel = (x: Features, y: Features) => rowProducts(x, y).map((product) => (product / x.width + 1) ** 3);
  const [aa, bb, ab] = [kernel(a, a), kernel(b, b), kernel(a, b)];
  const values = Float64Array.from({ length: subsets }, () => {
    const [rows, columns] = [draw(a.n, size, random), draw(b.n, size, random)];
    const within = (products: Float64Array, n: number, chosen: Int32Array) =>
      (blockSum(products, n, chosen, chosen) - chosen.reduce((sum, i) => sum + products[i * n + i]!, 0)) /
      (size * (size - 1));
    return within(aa, a.n, rows) + within(bb, b.n, columns) - (2 * blockSum(ab, b.n, rows, columns)) / size ** 2;
  });
  const value = values.reduce((sum, each) => sum + each, 0) / subsets;
  const deviation = Math.sqrt(values.reduce((sum, each) => sum + (each - value) ** 2, 0) / Math.max(1, subsets - 1));
  const half = 1.96 * deviation * Math.sqrt(size / (least - size));
  return { value, low: value - half, high: value + half, n: generated.n, deviation, subsetSize: size };
}

const atMost = (features: Features, random: RandomSource['random']): Features =>
  features.n <= MOST_ROWS ? features : pickRows(features, draw(features.n, MOST_ROWS, random));

/** `count` of 0 .. n-1 without replacement. */
function draw(n: number, count: number, random: RandomSource['random']): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  for (let i = 0; i < count; i++) {
    const j = i + Math.floor(random() * (n - i));
    const taken = order[i]!;
    order[i] = order[j]!;
    order[j] = taken;
  }
  return order.subarray(0, count);
}

function blockSum(products: Float64Array, n: number, rows: Int32Array, columns: Int32Array): number {
  let sum = 0;
  for (const row of rows) for (const column of columns) sum += products[row * n + column]!;
  return sum;
}
