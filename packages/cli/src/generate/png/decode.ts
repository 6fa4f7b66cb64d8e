import { PNG, type PNGOptions, type PNGWithMetadata } from 'pngjs';
import { DAMAGED, readChunks } from './chunks.js';

/** The pixels of a PNG file, four numbers each. @throws RangeError if the file is no PNG, cut off, or damaged */
export function decodePng(file: Uint8Array, options: PNGOptions = {}): PNGWithMetadata {
  const chunks = [...readChunks(file)];
  if (chunks.at(-1)?.type !== 'IEND') throw new RangeError(`png: the file ends early, after ${file.length} bytes`);
  try {
    return PNG.sync.read(Buffer.from(file), options);
  } catch (cause) {
    throw new RangeError(DAMAGED, { cause });
  }
}
