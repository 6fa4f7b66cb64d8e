import { FACE_CLASSES, MASK_SIDE } from './classes.js';
import { DataError, LIST_BAD } from './data-error.js';
import { type FileTensor, readTensorFile, writeTensorFile } from './tensor-file.js';

const CLASSES = FACE_CLASSES.length;
const PIXELS = MASK_SIDE * MASK_SIDE;

/**
 * Read a mask of the training form: a tensor (19, 1024), one-hot per pixel of the 32 x 32 map.
 * @returns int32 [19,1024]
 * @throws DataError, also where a pixel has no class or several
 */
export async function readOneHot(path: string): Promise<Int32Array<ArrayBuffer>> {
  const tensor = await readTensorFile(path);
  checkShape(path, tensor, [CLASSES, PIXELS]);
  const { values } = tensor;
  for (let i = 0; i < PIXELS; i++) {
    let [sum, largest] = [0, 0];
    for (let c = 0; c < CLASSES; c++) {
      const value = values[c * PIXELS + i]!;
      sum += value;
      largest = Math.max(largest, value);
    }
    if (sum === 1 && largest === 1) continue;
    throw new DataError({
      file: path,
      problem: `pixel (${Math.floor(i / MASK_SIDE)}, ${i % MASK_SIDE}) is not one-hot: its ${CLASSES} values sum to ${sum}`,
      advice: LIST_BAD,
    });
  }
  return Int32Array.from(values);
}

/** @throws DataError where the shape is another */
export function checkShape(file: string, { shape }: FileTensor, wanted: readonly number[]): void {
  if (shape.join() === wanted.join()) return;
  throw new DataError({ file, problem: `a tensor of shape [${shape}], [${wanted}] was wanted`, advice: LIST_BAD });
}

/** Class ids of the 32 x 32 map as int32 [19,1024]. @param labels uint8 [1024], each below 19 */
export function oneHot(labels: Uint8Array): Int32Array<ArrayBuffer> {
  if (labels.length !== PIXELS) throw new RangeError(`oneHot: ${labels.length} labels, ${PIXELS} were wanted`);
  const out = new Int32Array(CLASSES * PIXELS);
  for (const [i, label] of labels.entries()) {
    if (label >= CLASSES) throw new RangeError(`oneHot: class ${label} at pixel ${i}, at most ${CLASSES - 1}`);
    out[label * PIXELS + i] = 1;
  }
  return out;
}

/** The class of each pixel. @param mask int32 [19,1024] @returns uint8 [1024] */
export function labelsOf(mask: Int32Array): Uint8Array {
  const labels = new Uint8Array(PIXELS);
  for (let c = 0; c < CLASSES; c++) for (let i = 0; i < PIXELS; i++) if (mask[c * PIXELS + i] === 1) labels[i] = c;
  return labels;
}

/** Write class ids as the original's mask file: int64 (19, 1024), one-hot. @param labels uint8 [1024] */
export async function writeOneHot(path: string, labels: Uint8Array): Promise<void> {
  const values = BigInt64Array.from(oneHot(labels), BigInt);
  await writeTensorFile(path, 'int64', [CLASSES, PIXELS], new Uint8Array(values.buffer));
}
