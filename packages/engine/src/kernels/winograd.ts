import * as tf from '@tensorflow/tfjs-core';
import { currentEngine } from '../engine.js';
import { poolSizes } from '../pool-sizes.js';
import { after } from './in-sequence.js';
import { hasPatchRows } from './patches.js';
import { joined, type RowPart, rowParts } from './row-parts.js';
import {
  filterGradientTransform,
  filterTransform,
  imageTransform,
  type Pads,
  resultGradientTransform,
  resultTransform,
  TILE,
} from './winograd-transforms.js';

export type { Pads };

/** What else a convolution of 3x3 pixels may be. */
export interface WinogradOptions {
  /** Of an image whose height and width are doubled first (nearest); the doubled one is never there. Only with zeros of one pixel. */
  readonly doubled?: boolean;
  /** With the filter turned by half a turn and its channels exchanged, as in the gradient by the image. */
  readonly turned?: boolean;
  /** Of the result the sums of each 2x2 pixels, [B,H'/2,W'/2,D]: the gradient by an image before it is doubled. */
  readonly summed?: boolean;
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
  { doubled = false, turned = false, summed = false }: WinogradOptions = {},
): tf.Tensor4D {
  const { parts } = planOf(x, filter.shape[turned ? 2 : 3], pads, doubled);
  // Filters are there from the start: their transforms, four times as large, wait until it is their turn.
  const U = after([x], () => filterTransform(filter, turned));
  const results = inTurns(parts, ({ rows, pads, result }) => {
    const products = tf.matMul(imageTransform(rows, pads, doubled), U, false, turned);
    return resultTransform(products, result, summed);
  });
  return joined(results, x.shape[0]);
}

/**
 * The gradient of {@link winograd}'s result by its filter, [3,3,C,D]: 36 products for what takes 144, as one is the transpose of
 * the other.
 * @param dy [B,H',W',D]
 */
export function winogradFilterGradient(x: tf.Tensor4D, dy: tf.Tensor4D, pads: Pads, doubled = false): tf.Tensor4D {
  const { parts, images, count } = planOf(x, dy.shape[3], pads, doubled);
  const gradients = rowParts(dy, { images, parts: count, height: dy.shape[1], above: 0, below: 0 });
  // The image is there since the forward pass: its transforms, more than twice as large, wait until it is their turn.
  const sums = after([dy], () =>
    inTurns(parts, ({ rows, pads }, i, before: tf.Tensor3D | undefined) => {
      const dY = resultGradientTransform(gradients[i]!.rows);
      const product = tf.matMul(imageTransform(rows, pads, doubled), dY, true, false) as tf.Tensor3D;
      return before === undefined ? product : tf.add(before, product);
    }),
  );
  const last = sums.slice(-lanes());
  return filterGradientTransform(last.length === 1 ? last[0]! : (tf.addN(last) as tf.Tensor3D));
}

/** What is computed at a time. */
interface Part {
  readonly rows: tf.Tensor4D;
  /** Zeros around these rows. */
  readonly pads: Pads;
  /** [B,h,W',D] of their convolution. */
  readonly result: readonly [number, number, number, number];
}

/** The parts of images, such that what a part is transformed into stays in caches: some images each, or `count` of each image. */
interface Plan {
  readonly images: number;
  readonly count: number;
  readonly parts: readonly Part[];
}

function planOf(x: tf.Tensor4D, D: number, pads: Pads, doubled: boolean): Plan {
  const [B, H, W, C] = x.shape;
  const scale = doubled ? 2 : 1;
  const [height, width] = [scale * H + pads.top + pads.bottom - 2, scale * W + pads.left + pads.right - 2];
  const bytes = 36 * 4 * (height / TILE) * (width / TILE) * (C + D);
  const most = Math.max(PART_BYTES, 36 * 4 * C * D);
  let images = B;
  while (images > 1 && (images * bytes > most || B % images !== 0)) images--;
  let count = 1;
  // What is above and below a part is seen as far as one row, so images with other zeros stay whole.
  if (pads.top === 1 && pads.bottom === 1) {
    while (bytes / count > most && (height / TILE) % (2 * count) === 0) count *= 2;
  }
  const parts = rowParts(x, { images, parts: count, height: H, above: 1, below: 1 }).map((part): Part => {
    const own = count === 1 ? { rows: part.rows, pads } : alike(part, pads, doubled);
    return { ...own, result: [images, (scale * H) / count + (count === 1 ? pads.top + pads.bottom - 2 : 0), width, D] };
  });
  return { images, count, parts };
}

/** An image's first and last part with the zeros beyond its end as rows of their own: all parts are then transformed by one program. */
function alike({ rows, first, last }: RowPart, pads: Pads, doubled: boolean): Pick<Part, 'rows' | 'pads'> {
  const beyond: [number, number] = [first ? 1 : 0, last ? 1 : 0];
  const all = first || last ? tf.pad(rows, [[0, 0], beyond, [0, 0], [0, 0]]) : rows;
  // Of a doubled image a part sees one row beyond its end, which the image itself has together with another.
  const inside = doubled ? -1 : 0;
  return { rows: all, pads: { ...pads, top: inside, bottom: inside } };
}

/** How many parts are computed at a time. */
const lanes = (): number => poolSizes(currentEngine().info).interOpThreads;

/** Compute the parts, as many at a time as operations run side by side. @param compute gets what its turn waits for, if anything */
function inTurns<T extends tf.Tensor>(
  parts: readonly Part[],
  compute: (part: Part, index: number, before: T | undefined) => T,
): T[] {
  const done: T[] = [];
  parts.forEach((part, i) => {
    const before = done[i - lanes()];
    done.push(after(before === undefined ? [] : [before], () => compute(part, i, before)));
  });
  return done;
}
