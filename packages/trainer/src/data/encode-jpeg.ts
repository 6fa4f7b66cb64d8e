import sharp from 'sharp';
import type { Pixels } from './pixels.js';

/** Encode pixels as a JPEG file's bytes, colours as finely as brightness. @param quality 1 to 100 */
export async function encodeJpeg({ values, width, height, channels }: Pixels, quality = 85): Promise<Uint8Array> {
  if (channels !== 1 && channels !== 3) throw new RangeError(`encodeJpeg: ${channels} channels, 1 or 3 were wanted`);
  return sharp(values, { raw: { width, height, channels } }).jpeg({ quality, chromaSubsampling: '4:4:4' }).toBuffer();
}
