import { type ByteImage, type ImageBatch, toBytes } from './image.js';

// Every operation is rounded to float32 as the original's are: at a level's edge the cut would else fall on the other side.
const f = Math.fround;

/** A value in [-1,1] to a grey level: (x + 1) 127.5. */
export const pixelLevel = (x: number): number => f(f(x + 1) * 127.5);

/** Decoded images as generation writes them. @param images about [-1,1] [B,H,W,3] */
export const imageBytes = (images: ImageBatch): ByteImage[] => toBytes(images, pixelLevel);

/** Decoded images as the editing scripts write them: 255 clamp((x + 1)/2, 0, 1). @param images about [-1,1] [B,H,W,3] */
export const editedImageBytes = (images: ImageBatch): ByteImage[] =>
  toBytes(images, (x) => f(255 * Math.min(Math.max(f(f(x + 1) / 2), 0), 1)));

/** Latents made visible: 4 (scale z + 40). @param z [B,H,W,3] @param scale default 1 */
export const latentBytes = (z: ImageBatch, scale = 1): ByteImage[] =>
  toBytes(z, (value) => f(f(f(scale * value) + 40) * 4));
