import { type ImageBatch, joinBatches, makeGrid, readImages } from '@codiff/codiff';
import type { Params, Rng } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import type { TensorBatch } from '../steps/train-state.js';

/** One entry of what the original's `log_images` returns. */
export interface Picture {
  /** About [-1,1] [B,H,W,3]. */
  readonly images: ImageBatch;
  /** Already laid out as one sheet, of which nothing is cut off. */
  readonly sheet?: true;
}

/** Pictures by key. */
export type Pictures = Readonly<Record<string, Picture>>;

/**
 * Makes pictures of what a model does with a batch. All it draws comes from `rng`.
 * @param p all weights, averages in their place where there are any
 */
export type MakePictures = (p: Params, batch: TensorBatch, rng: Rng) => Promise<Pictures>;

/** Read images and free them. */
export async function take(images: tf.Tensor4D): Promise<ImageBatch> {
  try {
    return await readImages(images);
  } finally {
    images.dispose();
  }
}

/** The same samples over time as one sheet: a row for each sample. @param steps of each moment [B,H,W,C], one size */
export function overTime(steps: readonly ImageBatch[]): Picture {
  const [B, H, W, C] = steps[0]!.shape;
  const size = H * W * C;
  const bySample = Array.from({ length: B }, (_, b) =>
    steps.map(({ values }) => ({ values: values.subarray(b * size, (b + 1) * size), shape: [1, H, W, C] as const })),
  );
  return { images: makeGrid(joinBatches(bySample.flat()), { nrow: steps.length }), sheet: true };
}

/** At most the first `count` samples of every tensor of a batch. The caller owns them. */
export function firstSamples(batch: TensorBatch, count: number): TensorBatch {
  return Object.fromEntries(
    Object.entries(batch).map(([key, tensor]) => {
      const size = [Math.min(count, tensor.shape[0]!), ...tensor.shape.slice(1)];
      return [
        key,
        tf.slice(
          tensor,
          tensor.shape.map(() => 0),
          size,
        ),
      ];
    }),
  );
}
