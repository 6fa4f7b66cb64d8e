/** Cuts a stream into files of a bounded size, each with its SHA-256, for ways of sending that refuse large files. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';

/** @typedef {{file: string, bytes: number, sha256: string}} Piece */

/**
 * @param {string} name of the whole
 * @param {number} index
 * @returns {string} the name of one piece: names in order of the alphabet are pieces in order
 */
export const pieceName = (name, index) => `${name}.${String(index).padStart(4, '0')}`;

/**
 * Write a stream into pieces `name.0000`, `name.0001`, ...; at least one, which may be empty.
 * @param {AsyncIterable<Buffer>} source
 * @param {string} folder made if it is not there
 * @param {string} name
 * @param {number} limit bytes of the largest piece
 * @returns {Promise<Piece[]>} in order
 */
export async function splitInto(source, folder, name, limit) {
  if (!Number.isInteger(limit) || limit < 1)
    throw new Error(`pieces of ${limit} bytes cannot be made; a whole number above 0 is wanted`);
  await mkdir(folder, { recursive: true });
  /** @type {Piece[]} */
  const pieces = [];
  /** @type {{file: string, handle: import('node:fs/promises').FileHandle, hash: import('node:crypto').Hash, bytes: number} | undefined} */
  let current;
  const begin = async () => {
    const file = pieceName(name, pieces.length);
    return { file, handle: await open(join(folder, file), 'w'), hash: createHash('sha256'), bytes: 0 };
  };
  const close = async () => {
    if (current === undefined) return;
    const { file, handle, hash, bytes } = current;
    current = undefined;
    await handle.close();
    pieces.push({ file, bytes, sha256: hash.digest('hex') });
  };
  try {
    for await (const chunk of source) {
      for (let at = 0; at < chunk.length; ) {
        current ??= await begin();
        const part = chunk.subarray(at, at + limit - current.bytes);
        // A file may take less than it is given.
        const { bytesWritten } = await current.handle.write(part);
        current.hash.update(part.subarray(0, bytesWritten));
        current.bytes += bytesWritten;
        at += bytesWritten;
        if (current.bytes === limit) await close();
      }
    }
    if (pieces.length === 0) current ??= await begin();
  } finally {
    await close();
  }
  return pieces;
}

/**
 * @param {readonly Piece[]} pieces
 * @returns {string} what `sha256sum --check` reads
 */
export const checksums = (pieces) => pieces.map(({ file, sha256 }) => `${sha256}  ${file}\n`).join('');

/**
 * The whole again, piece after piece; each one is compared with its size and hash as it passes.
 * @param {readonly Piece[]} pieces
 * @param {string} folder
 * @returns {AsyncGenerator<Buffer>}
 */
export async function* joinPieces(pieces, folder) {
  for (const { file, bytes, sha256 } of pieces) {
    const hash = createHash('sha256');
    let length = 0;
    for await (const chunk of createReadStream(join(folder, file))) {
      hash.update(chunk);
      length += chunk.length;
      yield chunk;
    }
    const got = hash.digest('hex');
    if (length === bytes && got === sha256) continue;
    throw new Error(
      `piece ${file} in ${folder} has ${length} bytes and SHA-256 ${got}; wanted are ${bytes} and ${sha256}: send it again`,
    );
  }
}
