import * as tf from '@tensorflow/tfjs-core';
import { currentEngine } from '../engine.js';

/** Elements from which on an array is worth dividing: a decoder's largest, none of a diffusion model's. */
const LEAST_ELEMENTS = 2 ** 22;

/** A part of an image's rows, with those around it that it sees. */
export interface RowPart {
  /** [1,h,W,C], or [images,H,W,C] */
  readonly rows: tf.Tensor4D;
  /** Whether the image ends above and below it. */
  readonly first: boolean;
  readonly last: boolean;
}

/** How images are divided. */
export interface Division {
  /** Images that a part has whole, a divisor of the batch; where they are more than one, `parts` is 1. Default 1. */
  readonly images?: number;
  /** Parts of the rows of each image. */
  readonly parts: number;
  /** Rows to divide: result row i, in units of rows of x, sees i - above to i + below. */
  readonly height: number;
  readonly above: number;
  readonly below: number;
}

/**
 * In how many parts the rows of an image are to be computed side by side: as many as there are branches, of one large image in
 * a function whose operations have one thread each, and which would otherwise leave the others without work.
 */
export function rowPartsOf([B, H, W, C]: readonly number[]): number {
  const { info, binding } = currentEngine();
  const { trace, runtime } = binding;
  const { branches, threads } = info;
  if (trace === null || trace.xla || runtime.onGpu || branches < threads || branches === 1) return 1;
  return B === 1 && H! % branches === 0 && H! * W! * C! >= LEAST_ELEMENTS ? branches : 1;
}

/** Parts of [B,H,W,C], of one image after the other. */
export function rowParts(x: tf.Tensor4D, { images = 1, parts, height, above, below }: Division): RowPart[] {
  const [B, H, W, C] = x.shape;
  // Slices along the first axis are no copies.
  const all = tf.reshape(x, [B * H, W, C]) as tf.Tensor3D;
  return Array.from({ length: (B / images) * parts }, (_, index) => {
    const [image, i] = [Math.floor(index / parts) * images, index % parts];
    const begin = Math.max(0, (i * height) / parts - above);
    const rows = Math.min(H, ((i + 1) * height) / parts + below) - begin;
    const part = tf.slice(all, [image * H + begin, 0, 0], [images * rows, W, C]);
    return { rows: tf.reshape(part, [images, rows, W, C]), first: i === 0, last: i === parts - 1 };
  });
}

/** The results of the parts of B images, in their order, put together. */
export function joined(results: readonly tf.Tensor4D[], B: number): tf.Tensor4D {
  const [, , W, D] = results[0]!.shape;
  const rows = results.map((result) => tf.reshape(result, [-1, W, D]));
  return tf.reshape(rows.length === 1 ? rows[0]! : tf.concat(rows, 0), [B, -1, W, D]);
}

/** Compute images [B,H,W,C] in parts of their rows, and put the results together. */
export function inRowParts(x: tf.Tensor4D, division: Division, compute: (part: RowPart) => tf.Tensor4D): tf.Tensor4D {
  return joined(rowParts(x, division).map(compute), x.shape[0]);
}
