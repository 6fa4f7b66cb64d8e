/**
 * Unpacks chosen files of a zip archive (a wheel is one) as a stream: memory stays constant whatever the size, sizes
 * and CRC-32 are checked, and archives over 4 GiB (zip64) are read. Format: PKWARE's APPNOTE 6.3.10, sections 4.3 and 4.5.3.
 */
import { createReadStream } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32, createInflateRaw } from 'node:zlib';
import { LibraryError } from './errors.mjs';

/**
 * @typedef {object} ZipEntry
 * @property {string} name with forward slashes
 * @property {number} method 0 stored, 8 deflated
 * @property {number} flags
 * @property {number} crc CRC-32 of the unpacked bytes
 * @property {number} packed bytes in the archive
 * @property {number} bytes unpacked
 * @property {number} offset of the local header
 * @property {number} mode Unix permission bits, 0 when the archive has none
 */

const endSignature = 0x06054b50;
const end64LocatorSignature = 0x07064b50;
const end64Signature = 0x06064b50;
const directorySignature = 0x02014b50;
const localSignature = 0x04034b50;

/** @param {string} path @param {string} what @returns {LibraryError} */
const broken = (path, what) => new LibraryError('corrupt', `${path} is not a whole zip archive: ${what}`);

/**
 * @param {string} path
 * @returns {Promise<ZipEntry[]>} the files of the archive, folders left out
 */
export async function readZipDirectory(path) {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    /** @param {number} at @param {number} length */
    const read = async (at, length) => {
      if (at < 0 || length < 0 || at + length > size) throw broken(path, 'its directory points outside the file');
      const bytes = Buffer.alloc(length);
      await file.read(bytes, 0, length, at);
      return bytes;
    };
    // The end record is the last thing but for a comment of at most 65535 bytes.
    const tailStart = Math.max(0, size - 22 - 0xffff);
    const tail = await read(tailStart, size - tailStart);
    let at = tail.length - 22;
    // The signature may also stand inside the comment: the record is where the comment ends with the file.
    const isEnd = (/** @type {number} */ i) =>
      tail.readUInt32LE(i) === endSignature && i + 22 + tail.readUInt16LE(i + 20) === tail.length;
    while (at >= 0 && !isEnd(at)) at -= 1;
    if (at < 0) throw broken(path, 'it has no end record');
    let count = tail.readUInt16LE(at + 10);
    let length = tail.readUInt32LE(at + 12);
    let start = tail.readUInt32LE(at + 16);
    const locator = tailStart + at - 20;
    if (locator >= 0 && (count === 0xffff || length === 0xffffffff || start === 0xffffffff)) {
      const bytes = await read(locator, 20);
      if (bytes.readUInt32LE(0) !== end64LocatorSignature) throw broken(path, 'its zip64 locator is missing');
      const end64 = await read(Number(bytes.readBigUInt64LE(8)), 56);
      if (end64.readUInt32LE(0) !== end64Signature) throw broken(path, 'its zip64 end record is missing');
      count = Number(end64.readBigUInt64LE(32));
      length = Number(end64.readBigUInt64LE(40));
      start = Number(end64.readBigUInt64LE(48));
    }
    return parseDirectory(path, await read(start, length), count);
  } finally {
    await file.close();
  }
}

/** @param {string} path @param {Buffer} bytes @param {number} count @returns {ZipEntry[]} */
function parseDirectory(path, bytes, count) {
  /** @type {ZipEntry[]} */
  const entries = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > bytes.length || bytes.readUInt32LE(at) !== directorySignature)
      throw broken(path, 'its directory is cut');
    const nameLength = bytes.readUInt16LE(at + 28);
    const extraLength = bytes.readUInt16LE(at + 30);
    const entry = {
      name: bytes.toString('utf8', at + 46, at + 46 + nameLength),
      flags: bytes.readUInt16LE(at + 8),
      method: bytes.readUInt16LE(at + 10),
      crc: bytes.readUInt32LE(at + 16),
      packed: bytes.readUInt32LE(at + 20),
      bytes: bytes.readUInt32LE(at + 24),
      offset: bytes.readUInt32LE(at + 42),
      mode: (bytes.readUInt32LE(at + 38) >>> 16) & 0o777,
    };
    readZip64Extra(bytes.subarray(at + 46 + nameLength, at + 46 + nameLength + extraLength), entry);
    if (!entry.name.endsWith('/')) entries.push(entry);
    at += 46 + nameLength + extraLength + bytes.readUInt16LE(at + 32);
  }
  return entries;
}

/** Fields of all ones stand in the extra field, in this order and only those. @param {Buffer} extra @param {ZipEntry} entry */
function readZip64Extra(extra, entry) {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 1) continue;
    let field = at + 4;
    for (const key of /** @type {const} */ (['bytes', 'packed', 'offset'])) {
      if (entry[key] !== 0xffffffff) continue;
      entry[key] = Number(extra.readBigUInt64LE(field));
      field += 8;
    }
  }
}

/**
 * Writes one file of the archive, makes its folders, and waits until it is on the disk.
 * @param {string} path the archive
 * @param {ZipEntry} entry
 * @param {string} destination folder to unpack into
 * @param {{onBytes?: (bytes: number) => void, signal?: AbortSignal}} [options] onBytes: called with the bytes just written
 */
export async function extractEntry(path, entry, destination, { onBytes, signal } = {}) {
  if (/(^|[\\/])\.\.([\\/]|$)|^[\\/]|^[A-Za-z]:/.test(entry.name)) {
    throw new LibraryError('corrupt', `${path} holds '${entry.name}', which would be written outside its folder`);
  }
  if ((entry.flags & 1) !== 0 || (entry.method !== 0 && entry.method !== 8)) {
    throw new LibraryError('corrupt', `${path}: '${entry.name}' is encrypted or packed by method ${entry.method}`);
  }
  const archive = await open(path, 'r');
  const header = Buffer.alloc(30);
  await archive.read(header, 0, 30, entry.offset).finally(() => archive.close());
  if (header.readUInt32LE(0) !== localSignature) throw broken(path, `'${entry.name}' has no local header`);
  const start = entry.offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);

  const target = join(destination, entry.name);
  await mkdir(dirname(target), { recursive: true });
  const executable = (entry.mode & 0o111) !== 0;
  const output = await open(target, 'wx', executable ? 0o755 : 0o644);
  try {
    let crc = 0;
    let written = 0;
    for await (const chunk of unpacked(path, entry, start)) {
      signal?.throwIfAborted();
      crc = crc32(chunk, crc);
      written += chunk.length;
      await output.write(chunk);
      onBytes?.(chunk.length);
    }
    if (written !== entry.bytes || crc !== entry.crc) {
      throw broken(
        path,
        `'${entry.name}' unpacks to ${written} bytes with CRC ${crc}, its directory says ${entry.bytes} and ${entry.crc}`,
      );
    }
    await output.sync();
  } finally {
    await output.close();
  }
}

/** @param {string} path @param {ZipEntry} entry @param {number} start @returns {AsyncGenerator<Buffer>} */
async function* unpacked(path, entry, start) {
  if (entry.packed === 0) return;
  const source = createReadStream(path, { start, end: start + entry.packed - 1, highWaterMark: 1 << 20 });
  if (entry.method === 0) {
    yield* source;
    return;
  }
  const inflate = createInflateRaw({ chunkSize: 1 << 20 });
  source.on('error', (error) => inflate.destroy(error));
  try {
    yield* source.pipe(inflate);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new LibraryError('corrupt', `${path} is not a whole zip archive: '${entry.name}': ${reason}`, {
      cause: error,
    });
  } finally {
    source.destroy();
    inflate.destroy();
  }
}
