import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { InputError, oneLine } from '../input-error.js';
import { classOfColor, MASK_CLASSES } from './palette.js';
import { isPng } from './png/chunks.js';
import { readHeader, readSamples } from './png/class-ids.js';
import { decodeRgb } from './png/rgb.js';

/** Side of the map that the mask encoder sees. */
export const MASK_SIDE = 32;

/** Side of CelebAMask-HQ's masks, of which models of any size have learned: all take them (original, section 15, quirk 16). */
const PUBLISHED_SIDE = 512;

/** A face mask: a class for every pixel. */
export interface Mask {
  /** File name, with its extension: also the name of a folder and of a file in it. */
  readonly name: string;
  /** Ids of classes, row by row. */
  readonly ids: Uint8Array;
  readonly height: number;
  readonly width: number;
}

const LAST = MASK_CLASSES.length - 1;
const WANTED = `wanted a square palette PNG of class ids 0 to ${LAST}`;

/**
 * Read a mask: a PNG with a palette (its indices are the classes), of grey levels that are the classes, or of colours that are
 * all in the palette of such masks.
 * @throws InputError naming what is wrong with the file, and what would be right; the system's error if it cannot be read
 */
export async function readMask(path: string): Promise<Mask> {
  const file = new Uint8Array(await readFile(path));
  if (!isPng(file)) throw new InputError(`${path}: the mask is not a PNG file; ${WANTED}`);
  let ids: Uint8Array;
  let size: { width: number; height: number };
  try {
    const header = readHeader(file);
    size = header;
    if (header.bitDepth > 8) throw new InputError(`${path}: the mask has 16 bits a sample; ${WANTED}, of 8 bits`);
    if (header.colorType === 4) throw new InputError(`${path}: the mask is grey with transparency; ${WANTED}`);
    const isColor = header.colorType === 2 || header.colorType === 6;
    ids = isColor ? idsOfColors(path, file) : readSamples(file);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${path}: the mask cannot be decoded (${oneLine(error)}); ${WANTED}`);
  }
  const { width, height } = size;
  const beyond = ids.findIndex((id) => id > LAST);
  if (beyond >= 0) {
    const at = `column ${beyond % width}, row ${Math.floor(beyond / width)}`;
    throw new InputError(`${path}: the mask has the value ${ids[beyond]} (${at}); wanted class ids 0 to ${LAST}`);
  }
  return { name: basename(path), ids, height, width };
}

/**
 * Refuse a mask of another size than the model's images or the published masks: it was made for something else, and its
 * classes would be cut out of their places without a word.
 * @param path it was read from, for the error @param side of the model's images in pixels
 * @throws InputError naming the sizes that are right
 */
export function checkMaskSize({ width, height }: Mask, path: string, side: number): void {
  if (width === height && (width === side || width === PUBLISHED_SIDE)) return;
  const published =
    side === PUBLISHED_SIDE ? '' : `, or ${PUBLISHED_SIDE}x${PUBLISHED_SIDE} as CelebAMask-HQ's masks are`;
  throw new InputError(
    `${path}: the mask is ${width}x${height}; wanted ${side}x${side} as the model's images are${published}`,
  );
}

function idsOfColors(path: string, file: Uint8Array): Uint8Array {
  const { values, width } = decodeRgb(file);
  return Uint8Array.from({ length: values.length / 3 }, (_, i) => {
    const color = [values[3 * i]!, values[3 * i + 1]!, values[3 * i + 2]!] as const;
    const id = classOfColor(...color);
    if (id !== undefined) return id;
    const at = `column ${i % width}, row ${Math.floor(i / width)}`;
    throw new InputError(
      `${path}: the mask is RGB and has the colour (${color.join()}) (${at}), which is no class's; ` +
        'wanted the colours of the mask palette, without shading or smoothing, or a palette PNG of class ids',
    );
  });
}

/** The mask at another size: for each pixel the nearest of the mask, as PIL's NEAREST picks it. */
export function resizeMask({ name, ids, height, width }: Mask, side: number): Mask {
  const row = (y: number) => Math.floor(((y + 0.5) * height) / side);
  const column = (x: number) => Math.floor(((x + 0.5) * width) / side);
  const resized = Uint8Array.from(
    { length: side * side },
    (_, i) => ids[row(Math.floor(i / side)) * width + column(i % side)]!,
  );
  return { name, ids: resized, height: side, width: side };
}

/** What the mask encoder takes: a map for every class, 1 where it is [1,19,1024]. The caller owns the tensor. */
export function oneHotMask(mask: Mask): tf.Tensor3D {
  const { ids } = resizeMask(mask, MASK_SIDE);
  const maps = new Float32Array(MASK_CLASSES.length * ids.length);
  ids.forEach((id, pixel) => {
    maps[id * ids.length + pixel] = 1;
  });
  return tf.tensor3d(maps, [1, MASK_CLASSES.length, ids.length]);
}

/** SHA-256 of what a mask means, whatever kind of PNG it came in. */
export const hashMask = ({ ids, height, width }: Mask): string =>
  createHash('sha256').update(`${width}x${height}\n`).update(ids).digest('hex');
