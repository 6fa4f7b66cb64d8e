import { deflateSync } from 'node:zlib';
import { FACE_CLASSES } from './classes.js';
import type { Pixels } from './pixels.js';
import { PNG_SIGNATURE, pngChunk } from './png-chunks.js';

/**
 * A mask as a palette PNG, the form of the original's test masks: 8 bits, 256 palette entries of which the first 19 are
 * the classes. Encoders of images sort palettes by use, which would change the ids, so it is written here.
 * @param labels [H,W,1] @returns the file's bytes
 */
export function encodeMaskPng({ width, height, values }: Pixels): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  const palette = Buffer.alloc(256 * 3);
  for (const [index, { rgb }] of FACE_CLASSES.entries()) palette.set(rgb, 3 * index);
  const rows = Buffer.alloc(height * (width + 1));
  for (let y = 0; y < height; y++) rows.set(values.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  const chunks = [
    pngChunk('IHDR', header),
    pngChunk('PLTE', palette),
    pngChunk('IDAT', deflateSync(rows, { level: 9 })),
  ];
  return Buffer.concat([PNG_SIGNATURE, ...chunks, pngChunk('IEND', Buffer.alloc(0))]);
}
