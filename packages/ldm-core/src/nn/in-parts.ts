import * as tf from '@tensorflow/tfjs-core';
import { mapTensors, tensorsOf } from './tensor-tree.js';

/**
 * The batch in parts: slices of every tensor along its first axis, nearly equal in size.
 * @param parts how many; no more than the batch has rows
 * @param batch a tree of tensors [B,...], all of the same B
 * @throws RangeError if they differ in B, or there is none
 */
export function partsOf<Batch>(parts: number, batch: Batch): Batch[] {
  const sizes = [...new Set(tensorsOf(batch).map(({ shape }) => shape[0]))];
  const size = sizes[0];
  if (size === undefined || sizes.length > 1)
    throw new RangeError(
      `a batch in parts: first axes of ${sizes.map(String).join(' and ')}; wanted tensors of one batch`,
    );
  const count = Math.max(1, Math.min(parts, size));
  if (count === 1) return [batch];
  const start = (i: number) => Math.floor((size * i) / count);
  return Array.from({ length: count }, (_, i) =>
    mapTensors(batch, (tensor) => tf.slice(tensor, start(i), start(i + 1) - start(i))),
  );
}

/**
 * Run a function on a batch part by part. The result is that of the whole batch, if no row's depends on other rows. Parts do not
 * need each other, so that a compiled function can compute them side by side.
 * @param parts, batch as for {@link partsOf} @returns what `run` makes of the parts, joined along the first axis
 */
export function inParts<Batch, T extends tf.Tensor>(parts: number, batch: Batch, run: (part: Batch) => T): T {
  const results = partsOf(parts, batch).map(run);
  return results.length === 1 ? results[0]! : (tf.concat(results, 0) as T);
}

/** The most parts of one size that a batch divides into. @param batch its rows @param most limit @returns a divisor of `batch` */
export function equalParts(batch: number, most: number): number {
  for (let parts = Math.min(most, batch); parts > 1; parts--) if (batch % parts === 0) return parts;
  return 1;
}
