import { createHash } from 'node:crypto';
import type { ByteImage } from '@codiff/codiff';
import type { Sketch } from '@codiff/trainer';
import { InputError, oneLine } from '../input-error.js';

/**
 * Read a sketch: a tensor [1,1024] that PyTorch saved, or a picture, which is made one of 32x32 grey levels.
 * @throws InputError if the file is neither
 */
export async function readSketchFile(path: string): Promise<Sketch> {
  // The image library is loaded only where there is a picture to read.
  const { readSketch } = await import('@codiff/trainer');
  try {
    return await readSketch(path);
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'DataError') throw error;
    throw new InputError(`--sketch_path: ${oneLine(error)}`, { cause: error });
  }
}

/** SHA-256 of a sketch's values, whatever kind of file it came in. */
export const hashSketch = (sketch: Sketch): string =>
  createHash('sha256').update(new Uint8Array(sketch.buffer)).digest('hex');

/** A sketch as a picture of grey levels; values outside 0 (black) to 1 (white) are cut off. */
export function paintSketch(sketch: Sketch): ByteImage {
  const side = Math.sqrt(sketch.length);
  const values = Uint8Array.from({ length: 3 * sketch.length }, (_, i) => {
    const level = Math.round(255 * sketch[Math.floor(i / 3)]!);
    return Math.min(255, Math.max(0, level));
  });
  return { values, height: side, width: side, channels: 3 };
}
