import type { ImageBatch } from '@codiff/codiff';
import { MOST_STEPS } from './report-bytes.js';

/** Which of `total` steps are shown: all, or evenly spread ones with the first and the last. */
export function shownSteps(total: number, most = MOST_STEPS): number[] {
  if (total <= most) return Array.from({ length: total }, (_, i) => i);
  return Array.from({ length: most }, (_, i) => Math.round((i * (total - 1)) / (most - 1)));
}

/** Some of a batch's images, in the order asked for. */
export function pickImages({ values, shape }: ImageBatch, which: readonly number[]): ImageBatch {
  const [, h, w, c] = shape;
  const size = h * w * c;
  const picked = new Float32Array(which.length * size);
  for (const [i, from] of which.entries()) picked.set(values.subarray(from * size, (from + 1) * size), i * size);
  return { values: picked, shape: [which.length, h, w, c] };
}
