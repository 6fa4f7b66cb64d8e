import { readFile } from 'node:fs/promises';
import { FACE_CLASSES } from './classes.js';
import { DataError, LIST_BAD, messageOf } from './data-error.js';
import { decodeImage } from './decode-image.js';
import type { Pixels } from './pixels.js';
import { readPngSamples } from './png-samples.js';

/** Packed colour -> class. */
const CLASS_OF_COLOUR = new Map(FACE_CLASSES.map(({ rgb }, index) => [pack(...rgb), index]));

/**
 * Read a mask picture as class ids. Three forms are understood:
 * - palette: where every colour in use is one of section 7, the colour decides (so a palette that an editor has sorted
 *   anew still reads right), else the indices are the ids, as the original reads them;
 * - grey: the values are the ids; - RGB: each colour must be one of section 7.
 * @returns [H,W,1], each value below 19
 * @throws DataError naming the first pixel without a class
 */
export async function readMaskPng(path: string): Promise<Pixels> {
  const png = readPngSamples(path, await readBytes(path));
  const { width, height } = png;
  if (png.samples === undefined) {
    const colours = await decodeImage(path);
    return byPixel(path, width, height, (i) => {
      const [r, g, b] = colours.values.subarray(3 * i, 3 * i + 3);
      return { id: CLASS_OF_COLOUR.get(pack(r!, g!, b!)), what: `colour (${r}, ${g}, ${b})` };
    });
  }
  const samples = png.samples;
  const used = [...new Set(samples)];
  const colourOf = (index: number) => {
    const rgb = png.palette.subarray(3 * index, 3 * index + 3);
    return rgb.length === 3 ? pack(rgb[0]!, rgb[1]!, rgb[2]!) : -1;
  };
  const byColour = png.palette.length > 0 && used.every((index) => CLASS_OF_COLOUR.has(colourOf(index)));
  return byPixel(path, width, height, (i) => {
    const id = byColour ? CLASS_OF_COLOUR.get(colourOf(samples[i]!)) : samples[i]!;
    return { id, what: `class ${id}` };
  });
}

function byPixel(
  file: string,
  width: number,
  height: number,
  read: (i: number) => { id: number | undefined; what: string },
): Pixels {
  const values = new Uint8Array(width * height);
  for (let i = 0; i < values.length; i++) {
    const { id, what } = read(i);
    if (id === undefined || id >= FACE_CLASSES.length) {
      const at = `row ${Math.floor(i / width)}, column ${i % width}`;
      const wanted = `0 to ${FACE_CLASSES.length - 1} or their colours were wanted`;
      throw new DataError({ file, problem: `${what} at ${at}; ${wanted}`, advice: LIST_BAD });
    }
    values[i] = id;
  }
  return { width, height, channels: 1, values };
}

function pack(r: number, g: number, b: number): number {
  return (r << 16) | (g << 8) | b;
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    const problem = missing ? 'no such mask' : `cannot be read (${messageOf(cause)})`;
    throw new DataError({ file: path, problem, advice: LIST_BAD }, { cause });
  }
}
