import type { ByteImage } from '@codiff/codiff';
import { PNG } from 'pngjs';
import { decodePng } from './decode.js';

/** An RGB image as a PNG file. The same image always gives the same bytes. @throws RangeError unless it has 3 channels */
export function encodeRgb({ values, height, width, channels }: ByteImage): Uint8Array {
  if (channels !== 3) throw new RangeError(`png: the image has ${channels} channels, wanted 3`);
  const png = new PNG({ width, height });
  png.data = Buffer.from(values);
  return PNG.sync.write(png, { colorType: 2, inputColorType: 2, inputHasAlpha: false });
}

/** The pixels of any PNG file as RGB; alpha is left out. @throws RangeError if the file is no PNG, cut off, or damaged */
export function decodeRgb(file: Uint8Array): ByteImage {
  const { data, width, height } = decodePng(file);
  const values = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) values.set(data.subarray(4 * i, 4 * i + 3), 3 * i);
  return { values, height, width, channels: 3 };
}
