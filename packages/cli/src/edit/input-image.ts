import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { DataError, decodeImage, type Pixels } from '@codiff/trainer';
import * as tf from '@tensorflow/tfjs-core';
import type { NamedFile } from '../generate/request.js';
import { requireFile } from '../generate/required-file.js';
import { InputError } from '../input-error.js';

/** An image to be edited. */
export interface InputImage {
  /** File name with its extension: also the name of a folder. */
  readonly name: string;
  readonly path: string;
  /** [H,W,3] */
  readonly pixels: Pixels;
  /** SHA-256 of the pixels. */
  readonly sha256: string;
}

/**
 * Read a JPEG or PNG to be edited. It is used as it is, so it has to have the model's size.
 * @param flag that names it @param side of the model's images in pixels
 * @throws InputError
 */
export async function readInputImage(file: NamedFile, flag: string, side: number): Promise<InputImage> {
  await requireFile('input_image_path', file, flag);
  const { path } = file;
  let pixels: Pixels;
  try {
    pixels = await decodeImage(path);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw new InputError(
      `${path} (--${flag}): ${error.problem.replaceAll(/\s*\n\s*/g, '; ')}; wanted a JPEG or PNG image`,
      {
        cause: error,
      },
    );
  }
  const { width, height, values } = pixels;
  if (width !== side || height !== side) {
    throw new InputError(
      `${path} (--${flag}) is ${width}x${height}, and the model's images are ${side}x${side}; ` +
        'wanted that size: crop the face to a square and resize it, nothing is resized here',
    );
  }
  const sha256 = createHash('sha256').update(`${width}x${height}\n`).update(values).digest('hex');
  return { name: basename(path), path, pixels, sha256 };
}

/** The image as the first stage takes it: 2 level/255 - 1 [1,H,W,3]. The caller owns it. */
export function imageTensor({ pixels: { values, height, width } }: InputImage): tf.Tensor4D {
  return tf.tensor4d(
    Float32Array.from(values, (level) => (level / 255) * 2 - 1),
    [1, height, width, 3],
  );
}
