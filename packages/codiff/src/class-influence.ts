import type { ImageBatch } from './images/image.js';

/** How far a modality was trusted in the pixels of one semantic class. */
export interface ClassInfluence {
  /** Index of the class. */
  readonly label: number;
  /** Pixels of the map that belong to it. */
  readonly pixels: number;
  /** Mean influence over those pixels, step by step. */
  readonly means: readonly number[];
}

/**
 * Mean influence by semantic class, step by step. A class without a pixel is left out.
 * @param maps one modality's influence maps of one image, every step [T,h,w,1]
 * @param labels class of every pixel, row by row, at the maps' size [h w]
 * @throws RangeError if the sizes differ
 */
export function classInfluence({ values, shape }: ImageBatch, labels: Uint8Array): ClassInfluence[] {
  const [T, h, w, channels] = shape;
  const size = h * w;
  if (channels !== 1) throw new RangeError(`classInfluence: maps are [${shape}]; wanted one channel`);
  if (labels.length !== size) {
    throw new RangeError(`classInfluence: ${labels.length} labels for maps of ${h}x${w}; resize the mask to the maps`);
  }
  const classes = Math.max(-1, ...new Set(labels)) + 1;
  const counts = new Uint32Array(classes);
  for (const label of labels) counts[label]!++;
  const sums = Array.from({ length: classes }, () => new Float64Array(T));
  for (let t = 0; t < T; t++) {
    for (let i = 0; i < size; i++) sums[labels[i]!]![t]! += values[t * size + i]!;
  }
  return sums.flatMap((sum, label) => {
    const pixels = counts[label]!;
    return pixels === 0 ? [] : [{ label, pixels, means: Array.from(sum, (total) => total / pixels) }];
  });
}

/** Mean influence over all pixels, step by step. @param maps [T,h,w,1] */
export function meanInfluence(maps: ImageBatch): number[] {
  const [T, h, w] = maps.shape;
  const [whole] = T === 0 ? [] : classInfluence(maps, new Uint8Array(h * w));
  return [...(whole?.means ?? [])];
}
