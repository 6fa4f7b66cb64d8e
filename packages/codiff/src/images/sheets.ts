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

/** A sheet as training logs it: images clamped first, so that the ground is their middle grey. @param images [B,H,W,3] */
export const loggerSheet = ({ values, shape }: ImageBatch, options: GridOptions): ByteImage => {
  const clamped = { values: values.map((value) => Math.min(Math.max(value, -1), 1)), shape };
  return only(toBytes(makeGrid(clamped, options), (value) => f(f(f(value + 1) / 2) * 255)));
};

function only([image]: ByteImage[]): ByteImage {
  return image!;
}
