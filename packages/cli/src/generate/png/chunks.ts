import { nodeCrc32 } from '@codiff/ldm-core/node';

/** The eight bytes that every PNG file starts with. */
export const PNG_SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** One piece of a PNG file (PNG specification, section 5.3). */
export interface PngChunk {
  /** Four letters: `IHDR`, `IDAT`, `tEXt`. */
  readonly type: string;
  readonly data: Uint8Array;
}

/** What is wrong with a file whose checksums, or whose pixels, do not agree with what is in it. */
export const DAMAGED = 'png: the file is damaged: its checksums or its pixels are wrong';

/** Whether a file says of itself that it is a PNG. */
export const isPng = (file: Uint8Array): boolean => PNG_SIGNATURE.every((byte, i) => file[i] === byte);

/**
 * The chunks of a PNG file, up to its end or to where it is cut off. Checksums are left to whoever decodes the pixels.
 * @throws RangeError if the file is no PNG
 */
export function* readChunks(file: Uint8Array): Generator<PngChunk> {
  if (!isPng(file)) throw new RangeError('png: the file does not start as a PNG file does');
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let at = PNG_SIGNATURE.length;
  while (at + 12 <= file.length) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...file.subarray(at + 4, at + 8));
    const data = file.subarray(at + 8, at + 8 + length);
    if (data.length < length) return;
    yield { type, data };
    at += 12 + length;
  }
}

/** @throws RangeError if the checksum of a chunk is not that of what is in it */
export function checkChunks(file: Uint8Array): void {
  const copy = writeChunks(readChunks(file));
  if (copy.some((byte, i) => byte !== file[i])) throw new RangeError(DAMAGED);
}

/** A PNG file made of chunks, each with its checksum. */
export function writeChunks(chunks: Iterable<PngChunk>): Uint8Array {
  const parts: Uint8Array[] = [PNG_SIGNATURE];
  for (const { type, data } of chunks) {
    const part = new Uint8Array(12 + data.length);
    const view = new DataView(part.buffer);
    view.setUint32(0, data.length);
    part.set(
      Uint8Array.from(type, (letter) => letter.charCodeAt(0)),
      4,
    );
    part.set(data, 8);
    view.setUint32(8 + data.length, nodeCrc32(part.subarray(4, 8 + data.length), 0));
    parts.push(part);
  }
  return Uint8Array.from(Buffer.concat(parts));
}
