import * as tf from '@tensorflow/tfjs-core';
import { currentEngine } from '../engine.js';

/** Elements from which on an array is worth dividing: a decoder's largest, none of a diffusion model's. */
const LEAST_ELEMENTS = 2 ** 22;

/** A part of an image's rows, with those around it that it sees. */
export interface RowPart {
  /** [1,h,W,C] */
  readonly rows: tf.Tensor4D;
  /** Whether the image ends above and below it. */
  readonly first: boolean;
  readonly last: boolean;
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

/**
 * Compute an image in parts of its rows, and put the results together.
 * @param x [1,H,W,C] @param height rows to divide: result row i, in units of rows of x, sees i - above to i + below
 */
export function inRowParts(
  x: tf.Tensor4D,
  { parts, height, above, below }: Readonly<Record<'parts' | 'height' | 'above' | 'below', number>>,
  compute: (part: RowPart) => tf.Tensor4D,
): tf.Tensor4D {
  const [, H, W, C] = x.shape;
  // Slices along the first axis are no copies.
  const image = tf.reshape(x, [H, W, C]) as tf.Tensor3D;
  const results = Array.from({ length: parts }, (_, i) => {
    const begin = Math.max(0, (i * height) / parts - above);
    const rows = Math.min(H, ((i + 1) * height) / parts + below) - begin;
    const part = tf.reshape(tf.slice(image, [begin, 0, 0], [rows, W, C]), [1, rows, W, C]) as tf.Tensor4D;
    return compute({ rows: part, first: i === 0, last: i === parts - 1 });
  });
  return tf.concat(results, 1);
}
