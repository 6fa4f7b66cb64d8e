import { type ByteImage, blend, imageBytes, imageSheet, influenceSheet, latentBytes, readImages } from '@codiff/codiff';
import type * as tf from '@tensorflow/tfjs-core';
import type { BatchRecord } from './batch-record.js';
import { decodeSteps, readSteps } from './decode-steps.js';
import { type Mask, resizeMask } from './mask.js';
import type { OutputFolder } from './output-folder.js';
import { paintMask } from './palette.js';
import { encodeRgb } from './png/rgb.js';
import { withRecipe } from './recipe.js';
import type { BatchRange, Extras } from './request.js';

/** Share of the mask in an image over its mask. */
const MASK_SHARE = 0.3;

/** What a sampled batch is written from. */
export interface FinishedBatch {
  readonly range: BatchRange;
  /** Latents [B,h,w,c]. */
  readonly z: tf.Tensor4D;
  /** Decoded images [B,H,W,3]. */
  readonly images: tf.Tensor4D;
  readonly record: BatchRecord;
  readonly decode: (z: tf.Tensor4D) => tf.Tensor4D;
}

/** How it is written. */
export interface BatchFiles {
  readonly folder: OutputFolder;
  readonly extras: Extras;
  readonly mask: Mask | undefined;
  /** The recipe of an image, by its place in the batch. */
  readonly recipe: (batchIndex: number) => object;
  /** How the images' names end. Default: `x_0`. */
  readonly ending?: string | undefined;
  /** Called before long work; may throw. */
  readonly check: () => void;
}

/**
 * Write the images of a batch, and what else is asked for, under the original's names: `NNNNNN_x_0.png` and so on (original,
 * section 4). The images come first, so that an interruption costs extras only.
 */
export async function writeBatch(batch: FinishedBatch, files: BatchFiles): Promise<void> {
  const { range, record } = batch;
  const { folder, extras, mask, recipe, check, ending = 'x_0' } = files;
  const write = (i: number, ending: string, image: ByteImage): Promise<void> => {
    const name = `${String(range.first + i).padStart(6, '0')}_${ending}.png`;
    return folder.write(name, withRecipe(encodeRgb(image), recipe(i)));
  };
  const images = imageBytes(await readImages(batch.images));
  for (const [i, image] of images.entries()) await write(i, ending, image);
  if (extras.mixed && mask !== undefined) {
    const shown = paintMask(resizeMask(mask, images[0]!.height));
    for (const [i, image] of images.entries()) await write(i, 'mixed', blend(image, shown, MASK_SHARE));
  }
  if (extras.z) {
    for (const [i, latents] of latentBytes(await readImages(batch.z)).entries()) await write(i, 'z_0', latents);
  }
  for (let i = 0; i < range.size; i++) {
    for (const [modality, steps] of Object.entries(record.influence)) {
      await write(i, `${modality}_influence_function`, influenceSheet(await readSteps(steps, i)));
    }
    for (const [ending, steps] of Object.entries(record.latents)) {
      await write(i, ending, imageSheet(await decodeSteps(steps, i, batch.decode, check)));
    }
  }
}

/** Bytes that a run may write, at most: pixels as they are, without compression. @param side of an image in pixels */
export function bytesOf(images: number, side: number, steps: number, extras: Extras): number {
  const image = side * side * 3;
  return images * image * (1 + (extras.mixed ? 1 : 0) + (extras.steps ? 2 * steps : 0));
}
