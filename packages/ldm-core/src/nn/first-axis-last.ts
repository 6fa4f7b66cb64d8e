import { contiguousStrides } from './strides.js';

/** Rows copied at once: as many loads and stores in a row keep the loop's own cost small. */
const ROWS = 8;
/** Columns of a block: with ROWS rows it stays within few pages and cache lines. */
const COLUMNS = 64;

/**
 * Axes transposed so that the input's first axis becomes the output's last, as convolution weights want it
 * (OIHW -> HWIO): output axis a is input axis perm[a], perm ends in 0.
 * @param out as long as `values`, and other memory
 */
export function firstAxisLast<T extends Float32Array | Int32Array>(
  values: T,
  shape: readonly number[],
  perm: readonly number[],
  out: T,
): void {
  const [first, ...inner] = shape as readonly [number, ...number[]];
  const columns = inner.reduce((product, size) => product * size, 1);
  const starts = columnStarts(shape, perm, columns);
  const wholeRows = first - (first % ROWS);
  for (let from = 0; from < columns; from += COLUMNS) {
    const to = Math.min(from + COLUMNS, columns);
    for (let row = 0; row < wholeRows; row += ROWS) {
      const base = row * columns;
      for (let column = from; column < to; column++) {
        const write = starts[column]! + row;
        const read = base + column;
        out[write] = values[read]!;
        out[write + 1] = values[read + columns]!;
        out[write + 2] = values[read + 2 * columns]!;
        out[write + 3] = values[read + 3 * columns]!;
        out[write + 4] = values[read + 4 * columns]!;
        out[write + 5] = values[read + 5 * columns]!;
        out[write + 6] = values[read + 6 * columns]!;
        out[write + 7] = values[read + 7 * columns]!;
      }
    }
    for (let row = wholeRows; row < first; row++) {
      for (let column = from; column < to; column++) out[starts[column]! + row] = values[row * columns + column]!;
    }
  }
}

/** Where, in the output, each column of the input begins: the elements with one index in all axes but the first. */
function columnStarts(shape: readonly number[], perm: readonly number[], columns: number): Uint32Array {
  const outStrides = contiguousStrides(perm.map((axis) => shape[axis]!));
  const moves = shape.map((_, axis) => outStrides[perm.indexOf(axis)]!);
  const starts = new Uint32Array(columns);
  const index = new Array<number>(shape.length).fill(0);
  for (let column = 0, start = 0; column < columns; column++) {
    starts[column] = start;
    for (let axis = shape.length - 1; axis > 0; axis--) {
      start += moves[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      index[axis] = 0;
      start -= moves[axis]! * shape[axis]!;
    }
  }
  return starts;
}
