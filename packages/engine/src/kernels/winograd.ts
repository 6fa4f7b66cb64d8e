import * as tf from '@tensorflow/tfjs-core';
import { currentEngine } from '../engine.js';
import { poolSizes } from '../pool-sizes.js';
import { hasPatchRows } from './patches.js';
import { inRowParts } from './row-parts.js';
import { throughXla } from './through-xla.js';

/** Outputs of a tile in each direction, and the inputs that they see. */
const TILE = 4;
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

/** Zeros above, below, left and right of an image. */
export type Pads = Readonly<Record<'top' | 'bottom' | 'left' | 'right', number>>;

/** What else a convolution of 3x3 pixels may be. */
export interface WinogradOptions {
  /** Of an image whose height and width are doubled first (nearest); the doubled one is never there. */
  readonly doubled?: boolean;
  /** With the filter turned by half a turn and its channels exchanged, as in the gradient by the image. */
  readonly turned?: boolean;
}

/** What is transformed at a time, so that it stays in caches: this many bytes, or as many as the filter's transform where that is more. */
const PART_BYTES = 2 ** 23;

/** Pixels and channels from which on the transforms cost less than the products that they save. */
const LEAST_PIXELS = 1024;
const LEAST_CHANNELS = 96;

/**
 * Whether a convolution of 3x3 pixels with steps of one is faster so, and can be computed so: inside a function of float32, on a CPU.
 * @param shape [B,H,W,D] of the result @param channels C of the image
 */
export function gainsByWinograd([B, H, W, D]: readonly number[], channels: number): boolean {
  const { binding, winograd } = currentEngine();
  const { trace, runtime } = binding;
  if (!winograd || trace === null) return false;
  if (trace.xla || trace.precision !== 'float32' || runtime.onGpu) return false;
  if (H! % TILE !== 0 || W! % TILE !== 0) return false;
  return B! * H! * W! >= LEAST_PIXELS && Math.min(channels, D!) >= LEAST_CHANNELS;
}

/** Whether a convolution is one of 3x3 pixels with steps of one, and no more zeros around its image than these see. */
export function isWinograd({ filterHeight, filterWidth, padInfo, ...info }: tf.backend_util.Conv2DInfo): boolean {
  const { top, bottom, left, right } = padInfo;
  return (
    hasPatchRows({ filterHeight, filterWidth, padInfo, ...info }) &&
    filterHeight === 3 &&
    filterWidth === 3 &&
    Math.max(top, bottom, left, right) <= 2
  );
}

/** Convolution [B,H,W,C] with 3x3 pixels of steps of one -> [B,H',W',D], H' and W' multiples of 4. */
export function winograd(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  pads: Pads,
  { doubled = false, turned = false }: WinogradOptions = {},
): tf.Tensor4D {
  const [B, H, W, C] = x.shape;
  const scale = doubled ? 2 : 1;
  const D = filter.shape[turned ? 2 : 3];
  const [height, width] = [scale * H + pads.top + pads.bottom - 2, scale * W + pads.left + pads.right - 2];
  // Filters are there from the start: their transforms, four times as large, wait until it is their turn.
  const U = after([x], () =>
    throughXla(`winograd-filter${turned ? '-turned' : ''}`, [filter], ([w]) => filterTransform(w!, turned)),
  ) as tf.Tensor3D;
  const part = (rows: tf.Tensor4D, rowPads: Pads): tf.Tensor4D => {
    const key = `winograd-image${doubled ? '-doubled' : ''} ${Object.values(rowPads).join(',')}`;
    const V = throughXla(key, [rows], ([image]) => imageTransform(image as tf.Tensor4D, rowPads, doubled));
    const products = tf.matMul(V as tf.Tensor3D, U, false, turned);
    const h = scale * rows.shape[1] + rowPads.top + rowPads.bottom - 2;
    const shape = [B, h, width, D] as const;
    return throughXla(`winograd-result ${shape}`, [products], ([m]) => resultTransform(m!, shape)) as tf.Tensor4D;
  };
  const bytes = 36 * 4 * B * (height / TILE) * (width / TILE) * (C + D);
  const parts = partsOf(bytes, Math.max(PART_BYTES, 36 * 4 * C * D), height / TILE);
  if (B > 1 || parts === 1 || pads.top !== 1 || pads.bottom !== 1) return part(x, pads);
  const lanes = poolSizes(currentEngine().info).interOpThreads;
  const done: tf.Tensor[] = [];
  // Of a doubled image a part sees one row beyond its end, which the image itself has together with another.
  const inside = doubled ? -1 : 0;
  return inRowParts(x, { parts, height: H, above: 1, below: 1 }, ({ rows, first, last }) => {
    const rowPads = { ...pads, top: first ? 1 : inside, bottom: last ? 1 : inside };
    const before = done.length < lanes ? [] : [done.at(-lanes)!];
    const result = after(before, () => part(rows, rowPads));
    done.push(result);
    return result;
  });
}

/** Build nodes that wait for `tensors`, so that what they make is not there before it is of use. */
function after<T>(tensors: readonly tf.Tensor[], build: () => T): T {
  const { binding, backend } = currentEngine();
  const opers = tensors.map((tensor) => binding.symbol(backend.getInputTensorIds([tensor])[0]!).output.oper);
  return binding.trace!.following(opers, build);
}

function partsOf(bytes: number, most: number, tiles: number): number {
  let parts = 1;
  while (bytes / parts > most && tiles % (2 * parts) === 0) parts *= 2;
  return parts;
}

/** [B,H,W,C] -> [36, B H/4 W/4, C]: B^T d B of each tile. */
function imageTransform(x: tf.Tensor4D, pads: Pads, doubled: boolean): tf.Tensor {
  const [B, , , C] = x.shape;
  const { top, bottom, left, right } = pads;
  const scale = doubled ? 2 : 1;
  const tilesOf = (size: number, before: number, after: number) => (scale * size + before + after - 2) / TILE;
  const [h, w] = [tilesOf(x.shape[1], top, bottom), tilesOf(x.shape[2], left, right)];
  // A negative pad of a doubled image leaves one of two equal rows out, so nothing is added to the image itself.
  const zeros = (pad: number) => Math.max(0, pad);
  const padded = tf.pad(x, [
    [0, 0],
    [zeros(top), zeros(bottom)],
    [zeros(left), zeros(right)],
    [0, 0],
  ]);
  // Pixel j of a tile: of the doubled image pixels 1 and 2, and 3 and 4, are the same.
  const offsets = doubled ? [0, 1, 1, 2, 2, 3] : [0, 1, 2, 3, 4, 5];
  const step = TILE / scale;
  const taken = (t: tf.Tensor, axis: number, count: number): tf.Tensor[] =>
    offsets.map((offset) => {
      const [begin, end, strides] = [t.shape.map(() => 0), [...t.shape], t.shape.map(() => 1)];
      begin[axis] = offset;
      end[axis] = offset + step * (count - 1) + 1;
      strides[axis] = step;
      return tf.stridedSlice(t, begin, end, strides);
    });
  const columns = combined(BT, taken(padded, 2, w), 0);
  const both = combined(BT, taken(columns, 2, h), 0);
  return tf.reshape(both, [SEEN * SEEN, B * h * w, C]);
}

/** [3,3,C,D] -> [36,C,D]: G g G^T. */
function filterTransform(filter: tf.Tensor, turned: boolean): tf.Tensor {
  const [, , C, D] = filter.shape as [number, number, number, number];
  const along = (t: tf.Tensor, axis: number): tf.Tensor[] => {
    const taps = tf.unstack(t, axis);
    return turned ? taps.reverse() : taps;
  };
  const rows = combined(G, along(filter, 0), 0);
  return tf.reshape(combined(G, along(rows, 1), 1), [SEEN * SEEN, C, D]);
}

/** [36, B H/4 W/4, D] -> [B,H,W,D]: A^T m A of each tile. */
function resultTransform(products: tf.Tensor, [B, H, W, D]: readonly [number, number, number, number]): tf.Tensor {
  const [h, w] = [H / TILE, W / TILE];
  const m = tf.reshape(products, [SEEN, SEEN, B * h, w * D]);
  const rows = combined(AT, tf.unstack(m, 0), 0);
  const both = combined(AT, tf.unstack(rows, 1), 0);
  // [column, row, B h, w D]
  const apart = tf.reshape(both, [TILE, TILE, B * h, w, D]);
  return tf.reshape(tf.transpose(apart, [2, 1, 3, 0, 4]), [B, H, W, D]);
}

/** One linear combination of the parts for each row of the matrix, stacked. */
function combined(matrix: readonly (readonly number[])[], parts: readonly tf.Tensor[], axis: number): tf.Tensor {
  const sums = matrix.map((row) =>
    row
      .flatMap((factor, i) => (factor === 0 ? [] : [factor === 1 ? parts[i]! : tf.mul(parts[i]!, factor)]))
      .reduce((sum, term) => tf.add(sum, term)),
  );
  return tf.stack(sums, axis);
}
