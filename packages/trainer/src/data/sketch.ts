import { MASK_SIDE } from './classes.js';
import { DataError } from './data-error.js';
import { decodeImage } from './decode-image.js';
import { seededDraws } from './draws.js';
import { checkShape } from './one-hot.js';
import type { Pixels } from './pixels.js';
import { preprocess } from './preprocessor.js';
import { readTensorFile } from './tensor-file.js';

/** A sketch as its encoder takes it: one row of the 32 x 32 grey levels, 0 black to 1 white. */
export type Sketch = Float32Array<ArrayBuffer>;

/** Shrink a picture [H,W,3] to a sketch. */
export function sketchOf(picture: Pixels): Sketch {
  const small = preprocess(picture, { size: MASK_SIDE, phase: 'val' }, seededDraws(0));
  // Luma of ITU-R BT.601.
  return Float32Array.from({ length: MASK_SIDE * MASK_SIDE }, (_, i) => {
    const [r, g, b] = small.values.subarray(3 * i, 3 * i + 3);
    return (0.299 * r! + 0.587 * g! + 0.114 * b!) / 255;
  });
}

/**
 * Read a sketch: a saved tensor [1,1024] as data sets hold it, or a picture, which is shrunk as `dataset prepare` does.
 * @throws DataError naming what is wrong with the file
 */
export async function readSketch(path: string): Promise<Sketch> {
  if (!path.endsWith('.pt')) return sketchOf(await decodeImage(path));
  const tensor = await readTensorFile(path);
  checkShape(path, tensor, [1, MASK_SIDE * MASK_SIDE]);
  const bad = tensor.values.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return Float32Array.from(tensor.values);
  throw new DataError({
    file: path,
    problem: `value ${bad} is ${tensor.values[bad]}`,
    advice: 'make the sketch again',
  });
}
