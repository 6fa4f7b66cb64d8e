import * as tf from '@tensorflow/tfjs-core';
import { throughXla } from './through-xla.js';

/** Outputs of a tile in each direction, and the inputs that they see. */
export const TILE = 4;
const SEEN = 6;

/**
 * Winograd's minimal filtering F(4x4, 3x3), with the polynomial points 0, ±a, ±1/a and infinity: of a filter g and a tile d of 6x6
 * pixels it computes Y = A^T [(G g G^T) · (B^T d B)] A, 36 products for 16 outputs where the definition takes 144. With a^2 = 1/2 the
 * result is off by 3e-6 of its largest element, with the usual points 1, 2 by 1.2e-5, directly by 4e-7 (224 channels).
 * Lavin and Gray, Fast Algorithms for Convolutional Neural Networks (2016).
 */
const a = Math.SQRT1_2;
const b = Math.SQRT2;
const BT: readonly (readonly number[])[] = [
  [1, 0, -2.5, 0, 1, 0],
  [0, -2 * a, -2, a, 1, 0],
  [0, 2 * a, -2, -a, 1, 0],
  [0, -b / 2, -0.5, b, 1, 0],
  [0, b / 2, -0.5, -b, 1, 0],
  [0, 1, 0, -2.5, 0, 1],
];
const G: readonly (readonly number[])[] = [
  [1, 0, 0],
  [-2 / 3, (-2 * a) / 3, -1 / 3],
  [-2 / 3, (2 * a) / 3, -1 / 3],
  [1 / 6, b / 6, 1 / 3],
  [1 / 6, -b / 6, 1 / 3],
  [0, 0, 1],
];
const AT: readonly (readonly number[])[] = [
  [1, 1, 1, 1, 1, 0],
  [0, a, -a, b, -b, 0],
  [0, 0.5, 0.5, 2, 2, 0],
  [0, a / 2, -a / 2, 2 * b, -2 * b, 1],
];

/** [B,H,W,D] */
type Shape = readonly [number, number, number, number];

/** Zeros above, below, left and right of an image. */
export type Pads = Readonly<Record<'top' | 'bottom' | 'left' | 'right', number>>;

/**
 * [B,H,W,C] -> [36, T, C]: B^T d B of each of T tiles, which together see the image and the zeros around it.
 * @param doubled of an image whose height and width are doubled first (nearest); a pad of -1 leaves one of its rows out
 */
export function imageTransform(x: tf.Tensor4D, pads: Pads, doubled: boolean): tf.Tensor3D {
  const { top, bottom, left, right } = pads;
  const key = `winograd-image${doubled ? '-doubled' : ''} ${[top, bottom, left, right]}`;
  return throughXla(key, [x], ([image]) => {
    const [B, H, W, C] = (image as tf.Tensor4D).shape;
    const scale = doubled ? 2 : 1;
    const tilesOf = (size: number, before: number, after: number) => (scale * size + before + after - 2) / TILE;
    const [h, w] = [tilesOf(H, top, bottom), tilesOf(W, left, right)];
    // A negative pad of a doubled image leaves one of two equal rows out, so nothing is added to the image itself.
    const zeros = (pad: number) => Math.max(0, pad);
    const padded = tf.pad(image!, [
      [0, 0],
      [zeros(top), zeros(bottom)],
      [zeros(left), zeros(right)],
      [0, 0],
    ]);
    // Pixel j of a tile: of the doubled image pixels 1 and 2, and 3 and 4, are the same.
    const offsets = doubled ? [0, 1, 1, 2, 2, 3] : [0, 1, 2, 3, 4, 5];
    const step = TILE / scale;
    const columns = combined(BT, taken(padded, 2, { offsets, step, count: w }));
    const both = combined(BT, taken(columns, 2, { offsets, step, count: h }));
    return tf.reshape(both, [SEEN * SEEN, B * h * w, C]);
  }) as tf.Tensor3D;
}

/** [3,3,C,D] -> [36,C,D]: G g G^T. @param turned with the filter turned by half a turn */
export function filterTransform(filter: tf.Tensor4D, turned: boolean): tf.Tensor3D {
  return throughXla(`winograd-filter${turned ? '-turned' : ''}`, [filter], ([g]) => {
    const [, , C, D] = filter.shape;
    const along = (t: tf.Tensor, axis: number): tf.Tensor[] => {
      const taps = tf.unstack(t, axis);
      return turned ? taps.reverse() : taps;
    };
    const rows = combined(G, along(g!, 0));
    return tf.reshape(combined(G, along(rows, 1), 1), [SEEN * SEEN, C, D]);
  }) as tf.Tensor3D;
}

/**
 * [36, T, D] -> [B,H,W,D]: A^T m A of each tile.
 * @param shape [B,H,W,D] of all that the tiles compute
 * @param summed give instead the sum of each 2x2 pixels, [B,H/2,W/2,D]
 */
export function resultTransform(products: tf.Tensor, shape: Shape, summed: boolean): tf.Tensor4D {
  return throughXla(`winograd-result${summed ? '-summed' : ''} ${shape}`, [products], ([m]) => {
    const [B, H, W, D] = shape;
    const [h, w] = [H / TILE, W / TILE];
    const matrix = summed ? summedPairs(AT) : AT;
    const size = matrix.length;
    const rows = combined(matrix, tf.unstack(tf.reshape(m!, [SEEN, SEEN, B * h, w * D])));
    const both = combined(matrix, tf.unstack(rows, 1));
    // [column, row, B h, w D]
    const apart = tf.reshape(both, [size, size, B * h, w, D]);
    return tf.reshape(tf.transpose(apart, [2, 1, 3, 0, 4]), [B, size * h, size * w, D]);
  }) as tf.Tensor4D;
}

/** [B,H,W,D] -> [36, T, D]: A dy A^T of each tile, the transpose of {@link resultTransform}. */
export function resultGradientTransform(dy: tf.Tensor4D): tf.Tensor3D {
  return throughXla('winograd-result-gradient', [dy], ([y]) => {
    const [B, H, W, D] = dy.shape;
    const [h, w] = [H / TILE, W / TILE];
    const offsets = [0, 1, 2, 3];
    const columns = combined(transposed(AT), taken(y!, 2, { offsets, step: TILE, count: w }));
    const both = combined(transposed(AT), taken(columns, 2, { offsets, step: TILE, count: h }));
    return tf.reshape(both, [SEEN * SEEN, B * h * w, D]);
  }) as tf.Tensor3D;
}

/** [36,C,D] -> [3,3,C,D]: G^T u G, the transpose of {@link filterTransform}. */
export function filterGradientTransform(dU: tf.Tensor3D): tf.Tensor4D {
  return throughXla('winograd-filter-gradient', [dU], ([u]) => {
    const [, C, D] = dU.shape;
    const rows = combined(transposed(G), tf.unstack(tf.reshape(u!, [SEEN, SEEN, C, D])));
    return combined(transposed(G), tf.unstack(rows, 1), 1);
  }) as tf.Tensor4D;
}

/** Along `axis`, for each offset the `count` elements from there on with `step` between them. */
function taken(
  t: tf.Tensor,
  axis: number,
  { offsets, step, count }: { readonly offsets: readonly number[]; readonly step: number; readonly count: number },
): tf.Tensor[] {
  return offsets.map((offset) => {
    const [begin, end, strides] = [t.shape.map(() => 0), [...t.shape], t.shape.map(() => 1)];
    begin[axis] = offset;
    end[axis] = offset + step * (count - 1) + 1;
    strides[axis] = step;
    return tf.stridedSlice(t, begin, end, strides);
  });
}

type Matrix = readonly (readonly number[])[];

/** One linear combination of the parts for each row of the matrix, stacked. */
function combined(matrix: Matrix, parts: readonly tf.Tensor[], axis = 0): tf.Tensor {
  const sums = matrix.map((row) =>
    row
      .flatMap((factor, i) => (factor === 0 ? [] : [factor === 1 ? parts[i]! : tf.mul(parts[i]!, factor)]))
      .reduce((sum, term) => tf.add(sum, term)),
  );
  return tf.stack(sums, axis);
}

const transposed = (matrix: Matrix): Matrix => matrix[0]!.map((_, j) => matrix.map((row) => row[j]!));

/** The sums of rows 0 and 1, 2 and 3. */
const summedPairs = ([first, second, third, fourth]: Matrix): Matrix => [
  first!.map((factor, j) => factor + second![j]!),
  third!.map((factor, j) => factor + fourth![j]!),
];
