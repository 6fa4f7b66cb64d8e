import { createHash } from 'node:crypto';
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
