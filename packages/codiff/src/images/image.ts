import type * as tf from '@tensorflow/tfjs-core';

/** Images in ordinary memory: float32, row-major [B,H,W,C]. */
export interface ImageBatch {
  readonly values: Float32Array;
  readonly shape: readonly [number, number, number, number];
}

/** One image as a file has it: bytes, row-major [H,W,C]. */
export interface ByteImage {
  readonly values: Uint8Array;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Read images or maps. @param images [B,H,W,C], left to the caller */
export async function readImages(images: tf.Tensor4D): Promise<ImageBatch> {
  return { values: Float32Array.from(await images.data()), shape: images.shape };
}

/** Several batches as one, in order. @throws RangeError if their images differ in size, or there are none */
export function joinBatches(batches: readonly ImageBatch[]): ImageBatch {
  const [first] = batches;
  if (first === undefined) throw new RangeError('images: no batch to join');
  const size = first.shape.slice(1).join();
  const other = batches.find(({ shape }) => shape.slice(1).join() !== size);
  if (other !== undefined) throw new RangeError(`images: [${other.shape}] beside [${first.shape}]; wanted one size`);
  const values = new Float32Array(batches.reduce((length, batch) => length + batch.values.length, 0));
  let at = 0;
  for (const batch of batches) {
    values.set(batch.values, at);
    at += batch.values.length;
  }
  const [, H, W, C] = first.shape;
  return { values, shape: [batches.reduce((count, { shape }) => count + shape[0], 0), H, W, C] };
}

/**
 * Every image as bytes.
 * @param toLevel a value to a grey level; what is outside 0..255 is clipped, and the fraction cut off, as the original does
 */
export function toBytes({ values, shape }: ImageBatch, toLevel: (value: number) => number): ByteImage[] {
  const [B, height, width, channels] = shape;
  const size = height * width * channels;
  const bytes = Uint8Array.from(values, (value) => Math.min(Math.max(toLevel(value), 0), 255));
  return Array.from({ length: B }, (_, i) => ({
    values: bytes.slice(i * size, (i + 1) * size),
    height,
    width,
    channels,
  }));
}
