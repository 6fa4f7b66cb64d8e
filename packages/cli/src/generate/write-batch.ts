import {
  type ByteImage,
  blend,
  type ImageBatch,
  imageBytes,
  imageSheet,
  influenceSheet,
  latentBytes,
  readImages,
} from '@codiff/codiff';
import type * as tf from '@tensorflow/tfjs-core';
import type { BatchRecord } from './batch-record.js';
import { decodeSteps, readSteps } from './decode-steps.js';
import { latentPicture } from './latent-picture.js';
import { type Mask, resizeMask } from './mask.js';
import type { OutputFolder } from './output-folder.js';
import { paintMask } from './palette.js';
import { encodeRgb } from './png/rgb.js';
import { withRecipe } from './recipe.js';
import type { FinishedImage } from './report/generation-report.js';
import { reportBytes } from './report/report-bytes.js';
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
  /** Takes each image when its files are written. Absent: nobody does. */
  readonly report?: BatchReport | undefined;
}

/** Who reports on images. */
export interface BatchReport {
  /** Whether the steps of the next image are to be decoded for it, also if no file shows them. */
  readonly decodes: boolean;
  /** Whether it looks at the steps of the next image at all. */
  readonly takesSteps: boolean;
  /** @param batchIndex place of the image in its batch */
  add(image: FinishedImage, batchIndex: number): Promise<void>;
}

/**
 * Write the images of a batch, and what else is asked for, under the original's names: `NNNNNN_x_0.png` and so on (original,
 * section 4). The images come first, so that an interruption costs extras only.
 */
export async function writeBatch(batch: FinishedBatch, files: BatchFiles): Promise<void> {
  const { range, record } = batch;
  const { folder, extras, mask, recipe, check, report, ending = 'x_0' } = files;
  const nameOf = (i: number, ending: string) => `${String(range.first + i).padStart(6, '0')}_${ending}.png`;
  const write = (i: number, ending: string, image: ByteImage): Promise<void> =>
    folder.write(nameOf(i, ending), withRecipe(encodeRgb(image), recipe(i)));
  const images = imageBytes(await readImages(batch.images));
  for (const [i, image] of images.entries()) await write(i, ending, image);
  if (extras.mixed && mask !== undefined) {
    const shown = paintMask(resizeMask(mask, images[0]!.height));
    for (const [i, image] of images.entries()) await write(i, 'mixed', blend(image, shown, MASK_SHARE));
  }
  if (extras.z) {
    for (const [i, latent] of latentBytes(await readImages(batch.z)).entries()) {
      await write(i, 'z_0', latentPicture(latent));
    }
  }
  for (let i = 0; i < range.size; i++) {
    const influence = extras.influence || report?.takesSteps ? await readAll(record.influence, i) : {};
    if (extras.influence) {
      for (const [modality, maps] of Object.entries(influence)) {
        await write(i, `${modality}_influence_function`, influenceSheet(maps));
      }
    }
    const decoded: Record<string, ImageBatch> = {};
    for (const [ending, steps] of Object.entries(record.latents)) {
      if (!extras.steps && !report?.decodes) continue;
      decoded[ending] = await decodeSteps(steps, i, batch.decode, check);
      if (extras.steps) await write(i, ending, imageSheet(decoded[ending]));
    }
    await report?.add(
      {
        file: nameOf(i, ending),
        image: images[i]!,
        z: await readSteps([batch.z], i),
        timesteps: record.timesteps,
        latents: report.takesSteps ? await readAll(record.latents, i) : {},
        decoded,
        influence,
      },
      i,
    );
  }
}

/** What was recorded of one image, by name, each [T,h,w,c]. */
async function readAll(
  lists: Readonly<Record<string, readonly tf.Tensor4D[]>>,
  image: number,
): Promise<Record<string, ImageBatch>> {
  const read: Record<string, ImageBatch> = {};
  for (const [name, steps] of Object.entries(lists)) read[name] = await readSteps(steps, image);
  return read;
}

/** Bytes that a run may write, at most: pixels as they are, without compression. @param side of an image in pixels */
export function bytesOf(images: number, side: number, steps: number, extras: Extras): number {
  const image = side * side * 3;
  const written = images * image * (1 + (extras.mixed ? 1 : 0) + (extras.steps ? 2 * steps : 0));
  return written + (extras.report ? reportBytes(images, side, steps) : 0);
}
