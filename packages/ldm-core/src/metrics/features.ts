/** Feature vectors of images, one a row: row-major [n, width]. */
export interface Features {
  readonly values: Float32Array | Float64Array;
  /** Rows: images. */
  readonly n: number;
  /** Columns: the network's features. */
  readonly width: number;
}

/** A source of random numbers in [0, 1): the caller's, so that a result belongs to a seed. */
export interface RandomSource {
  random(): number;
}

/**
 * Join feature vectors to a table.
 * @throws RangeError if there are none, or their lengths differ
 */
export function featuresOf(rows: readonly ArrayLike<number>[]): Features {
  const width = rows[0]?.length ?? 0;
  if (width === 0) throw new RangeError('features: no vectors; wanted one for each image');
  const values = new Float64Array(rows.length * width);
  for (const [i, row] of rows.entries()) {
    if (row.length !== width)
      throw new RangeError(`features: vector ${i} has ${row.length} values, the first ${width}`);
    values.set(row, i * width);
  }
  return { values, n: rows.length, width };
}

/** Chosen rows, in the order given; a row may come several times. */
export function pickRows({ values, width }: Features, rows: ArrayLike<number>): Features {
  const picked = new Float64Array(rows.length * width);
  for (let i = 0; i < rows.length; i++) {
    picked.set(values.subarray(rows[i]! * width, (rows[i]! + 1) * width), i * width);
  }
  return { values: picked, n: rows.length, width };
}

/** @throws RangeError unless both tables have the same columns, and at least `least` rows each */
export function assertComparable(what: string, a: Features, b: Features, least: number): void {
  if (a.width !== b.width) {
    throw new RangeError(`${what}: features of width ${a.width} beside ${b.width}; wanted those of one network`);
  }
  for (const { n } of [a, b]) {
    if (n < least) throw new RangeError(`${what}: too few images: ${n}; wanted at least ${least} on each side`);
  }
}

/** Mean of the columns, in float64 [width]. */
export function columnMeans({ values, n, width }: Features): Float64Array {
  const means = new Float64Array(width);
  for (let i = 0; i < n; i++) for (let j = 0; j < width; j++) means[j]! += values[i * width + j]!;
  return means.map((sum) => sum / n);
}

/** The table with every column's mean taken away, in float64. @param means default: its own */
export function centred(features: Features, means = columnMeans(features)): Features {
  const { n, width } = features;
  const values = Float64Array.from(features.values);
  for (let i = 0; i < n; i++) for (let j = 0; j < width; j++) values[i * width + j]! -= means[j]!;
  return { values, n, width };
}

/** Products of the rows of two tables, a bᵀ in float64 [a.n, b.n]. */
export function rowProducts(a: Features, b: Features): Float64Array {
  const { width } = a;
  const products = new Float64Array(a.n * b.n);
  // Blocks of rows of b stay in the cache while rows of a pass by.
  const block = Math.max(1, Math.floor(2 ** 15 / width));
  for (let from = 0; from < b.n; from += block) {
    const to = Math.min(from + block, b.n);
    for (let i = 0; i < a.n; i++) {
      for (let j = from; j < to; j++) products[i * b.n + j] = dot(a.values, i * width, b.values, j * width, width);
    }
  }
  return products;
}

/** Inner product of two stretches; four sums at once, since one would wait for itself. */
function dot(x: Features['values'], i: number, y: Features['values'], j: number, width: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let k = 0;
  for (; k + 3 < width; k += 4) {
    s0 += x[i + k]! * y[j + k]!;
    s1 += x[i + k + 1]! * y[j + k + 1]!;
    s2 += x[i + k + 2]! * y[j + k + 2]!;
    s3 += x[i + k + 3]! * y[j + k + 3]!;
  }
  for (; k < width; k++) s0 += x[i + k]! * y[j + k]!;
  return s0 + s1 + (s2 + s3);
}

/** The table with rows and columns exchanged. */
export function transposed({ values, n, width }: Features): Features {
  const out = new Float64Array(values.length);
  for (let i = 0; i < n; i++) for (let j = 0; j < width; j++) out[j * n + i] = values[i * width + j]!;
  return { values: out, n: width, width: n };
}
