import type { Features } from './features.js';

/**
 * Diversity of each condition: the mean Euclidean distance between the features of its samples, over all pairs.
 * @param features of all samples @param groups rows of each condition's samples, two or more each
 * @returns one value a condition
 * @throws RangeError for a condition of one sample
 */
export function diversityOf(features: Features, groups: readonly (readonly number[])[]): Float64Array {
  return Float64Array.from(groups, (rows, condition) => {
    if (rows.length < 2) {
      throw new RangeError(`diversity: condition ${condition} has ${rows.length} samples; wanted 2 or more of each`);
    }
    let sum = 0;
    for (const [at, i] of rows.entries()) {
      for (const j of rows.slice(at + 1)) sum += distance(features, i, j);
    }
    return sum / ((rows.length * (rows.length - 1)) / 2);
  });
}

/**
 * Cosine of the features of each image and its partner: how much of what a network sees was kept (1: all).
 * @param a [n, width] @param b [n, width]
 * @returns [n]; 0 where a vector is zero
 * @throws RangeError unless both have the same shape
 */
export function cosines(a: Features, b: Features): Float64Array {
  if (a.n !== b.n || a.width !== b.width) {
    throw new RangeError(`cosines: [${a.n}, ${a.width}] beside [${b.n}, ${b.width}]; wanted pairs of one network`);
  }
  return Float64Array.from({ length: a.n }, (_, i) => {
    let [xy, xx, yy] = [0, 0, 0];
    for (let k = i * a.width; k < (i + 1) * a.width; k++) {
      xy += a.values[k]! * b.values[k]!;
      xx += a.values[k]! ** 2;
      yy += b.values[k]! ** 2;
    }
    return xx === 0 || yy === 0 ? 0 : xy / Math.sqrt(xx * yy);
  });
}

function distance({ values, width }: Features, i: number, j: number): number {
  let sum = 0;
  for (let k = 0; k < width; k++) sum += (values[i * width + k]! - values[j * width + k]!) ** 2;
  return Math.sqrt(sum);
}
