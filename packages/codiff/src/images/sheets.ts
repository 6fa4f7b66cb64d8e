import { type GridOptions, makeGrid } from './grid.js';
import { type ByteImage, type ImageBatch, toBytes } from './image.js';
import { pixelLevel } from './levels.js';

const f = Math.fround;

/** Rows of ten: how generation lays out the steps of a run. */
export const STEP_GRID: GridOptions = { nrow: 10, padding: 2 };

/** Decoded images of every step on one sheet; the ground is grey. @param images about [-1,1] [B,H,W,3] */
export const imageSheet = (images: ImageBatch, options: GridOptions = STEP_GRID): ByteImage =>
  only(toBytes(makeGrid(images, options), pixelLevel));

/** Influence maps of every step on one sheet, white where a modality decides alone. @param maps in [0,1] [B,H,W,1] */
export const influenceSheet = (maps: ImageBatch, options: GridOptions = STEP_GRID): ByteImage =>
  only(toBytes(makeGrid(maps, options), (value) => f(value * 255)));

/** How training logs a sheet, by the arguments of the original's `ImageLogger`. */
export interface LoggerSheetOptions extends GridOptions {
  /** Cut off what lies outside [-1,1]. Default true. */
  readonly clamp?: boolean | undefined;
  /** Map [-1,1] to grey levels; false: a value times 255. Default true. */
  readonly rescale?: boolean | undefined;
}

/**
 * A sheet as training logs it; the ground is 0, a middle grey where values are mapped. Levels outside 0..255, which come up
 * without `clamp` or `rescale` only, keep their low eight bits, as the original's cast does on x86 processors.
 * @param images about [-1,1] [B,H,W,3]
 */
export const loggerSheet = (images: ImageBatch, options: LoggerSheetOptions): ByteImage => {
  const { clamp = true, rescale = true, ...grid } = options;
  const bound = (value: number): number => (clamp ? Math.min(Math.max(value, -1), 1) : value);
  const level = (value: number): number => Math.trunc(rescale ? f(f(f(value + 1) / 2) * 255) : f(value * 255)) & 255;
  return only(toBytes(makeGrid({ values: images.values.map(bound), shape: images.shape }, grid), level));
};

function only([image]: ByteImage[]): ByteImage {
  return image!;
}
