/** As much of PNG as the demo inputs need: 8 bits, a palette or RGB, no interlacing. */
import { crc32, deflateSync } from 'node:zlib';

/** @param {string} type @param {Uint8Array} data */
function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}

/**
 * @param {{width: number, height: number, samples: Uint8Array, palette?: readonly (readonly number[])[]}} image samples row
 *   by row: indices if there is a palette, else RGB
 * @returns {Buffer} the file
 */
export function encodePng({ width, height, samples, palette }) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, palette ? 3 : 2, 0, 0, 0], 8);
  const stride = samples.length / height;
  const rows = Array.from({ length: height }, (_, y) => [Buffer.of(0), samples.subarray(y * stride, (y + 1) * stride)]);
  return Buffer.concat([
    Buffer.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk('IHDR', header),
    ...(palette ? [chunk('PLTE', Buffer.from(palette.flat()))] : []),
    chunk('IDAT', deflateSync(Buffer.concat(rows.flat()), { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
