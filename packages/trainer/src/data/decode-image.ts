import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { DataError, LIST_BAD, messageOf } from './data-error.js';
import type { Pixels } from './pixels.js';

/**
 * Decode a JPEG or PNG as `Image.open(path).convert('RGB')` of Pillow does: stored values without colour management,
 * without turning by EXIF, without blending of transparency. A damaged file is refused, not filled with grey.
 * @returns [H,W,3]
 * @throws DataError
 */
export async function decodeImage(path: string): Promise<Pixels> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    const problem = missing ? 'no such image' : `cannot be read (${messageOf(cause)})`;
    throw new DataError({ file: path, problem, advice: LIST_BAD }, { cause });
  }
  try {
    const { data, info } = await sharp(bytes, { failOn: 'warning', ignoreIcc: true })
      .removeAlpha()
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`${info.channels} channels`);
    return { height: info.height, width: info.width, channels: 3, values: data };
  } catch (cause) {
    throw new DataError(
      { file: path, problem: `is no whole JPEG or PNG image (${messageOf(cause)})`, advice: LIST_BAD },
      { cause },
    );
  }
}

/** Encode pixels as a PNG file's bytes. */
export async function encodePng({ values, width, height, channels }: Pixels): Promise<Uint8Array> {
  if (channels !== 1 && channels !== 3) throw new RangeError(`encodePng: ${channels} channels, 1 or 3 were wanted`);
  return sharp(values, { raw: { width, height, channels } }).png().toBuffer();
}
