import { crc32 } from 'node:zlib';

/** The first eight bytes of every PNG file. */
export const PNG_SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** A chunk with its length and checksum (PNG specification, 5.3). */
export function pngChunk(type: string, data: Uint8Array): Uint8Array {
  const framed = Buffer.alloc(data.length + 12);
  framed.writeUInt32BE(data.length, 0);
  framed.write(type, 4, 'latin1');
  framed.set(data, 8);
  framed.writeUInt32BE(crc32(framed.subarray(4, data.length + 8)), data.length + 8);
  return framed;
}

/**
 * The chunks of a PNG file, in order, up to its end.
 * @throws RangeError where the file is none, or ends early
 */
export function* readPngChunks(bytes: Uint8Array): Generator<{ type: string; data: Uint8Array }> {
  if (PNG_SIGNATURE.some((byte, i) => bytes[i] !== byte)) throw new RangeError('is no PNG file');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (at + 12 + length > bytes.length) break;
    yield { type, data: bytes.subarray(at + 8, at + 8 + length) };
    if (type === 'IEND') return;
    at += 12 + length;
  }
  throw new RangeError(`ends early, after ${bytes.length} bytes`);
}
