import type { Draws } from './draws.js';
import { crop, type Pixels } from './pixels.js';
import { resize } from './resize.js';

/** What {@link preprocess} is told. */
export interface PreprocessOptions {
  /** Side of the square that comes out. */
  readonly size: number;
  /** `train` crops and scales at random; anything else is validation. */
  readonly phase: string;
}

/**
 * Make an image square, `DalleTransformerPreprocessor` of the original (section 7; the cropping of DALL-E, Ramesh et al.
 * 2021, appendix A). An image of the size wanted comes back unchanged.
 * @param image [H,W,C] @param draws asked in train only: row offset, column offset, side, row, column
 * @returns [size,size,C]
 */
export function preprocess(image: Pixels, { size, phase }: PreprocessOptions, draws: Draws): Pixels {
  return phase === 'train' ? preprocessTrain(image, size, draws) : preprocessValidation(image, size);
}

function preprocessTrain(image: Pixels, size: number, draws: Draws): Pixels {
  const side = Math.min(image.height, image.width);
  const top = drawOffset(image.height - side, draws);
  const left = drawOffset(image.width - side, draws);
  const square = crop(image, top, left, side, side);
  const largest = Math.max(size, Math.min(side, roundHalfToEven((9 / 8) * size)));
  const t = Math.trunc(draws.uniform(size, largest + 1));
  const scaled = resize(square, t, t, 'bicubic');
  const y = Math.trunc((t - size) * draws.random());
  const x = Math.trunc((t - size) * draws.random());
  return crop(scaled, y, x, size, size);
}

/** Where the square starts along an axis that is `slack` longer: in the middle quarter. */
function drawOffset(slack: number, draws: Draws): number {
  const low = Math.floor((3 * slack) / 8);
  const high = Math.max(low + 1, Math.floor((5 * slack) / 8));
  return Math.trunc(draws.uniform(low, high));
}

function preprocessValidation(image: Pixels, size: number): Pixels {
  const { height, width } = image;
  const longer = (long: number, short: number) => Math.trunc((long * size) / short);
  const scaled =
    width <= height
      ? resize(image, size, longer(height, width), 'bicubic')
      : resize(image, longer(width, height), size, 'bicubic');
  return crop(scaled, Math.floor((scaled.height - size) / 2), Math.floor((scaled.width - size) / 2), size, size);
}

/** Python's `round`. */
function roundHalfToEven(x: number): number {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
}
