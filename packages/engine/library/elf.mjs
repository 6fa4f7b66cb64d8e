/**
 * Reads from a Linux library, without loading it, which processor it is for and where it looks for others: a CUDA build
 * of TensorFlow is known by its run path into the NVIDIA packages.
 */
import { closeSync, openSync, readSync } from 'node:fs';

const machines = new Map([
  [62, 'x64'],
  [183, 'arm64'],
]);

/**
 * @param {string} path
 * @returns {{arch: string | null, runPath: string, needed: string[]} | null} null when the file is no 64-bit
 *   little-endian ELF library; arch is a `process.arch`, null for processors that Node does not run on
 */
export function readElf(path) {
  const file = openSync(path, 'r');
  try {
    const read = (/** @type {number} */ at, /** @type {number} */ length) => {
      const bytes = Buffer.alloc(length);
      const got = readSync(file, bytes, 0, length, at);
      return got === length ? bytes : null;
    };
    const header = read(0, 64);
    // 0x7f 'ELF', class 2 (64 bits), data 1 (little endian).
    if (header?.readUInt32BE(0) !== 0x7f454c46 || header[4] !== 2 || header[5] !== 1) return null;
    const arch = machines.get(header.readUInt16LE(18)) ?? null;
    const programs = readPrograms(read, header);
    const dynamic = programs.find(({ type }) => type === 2);
    const table = dynamic && read(dynamic.offset, dynamic.size);
    if (!table) return { arch, runPath: '', needed: [] };
    /** @type {{tag: number, value: number}[]} */
    const entries = [];
    for (let at = 0; at + 16 <= table.length; at += 16) {
      entries.push({ tag: Number(table.readBigInt64LE(at)), value: Number(table.readBigUInt64LE(at + 8)) });
    }
    const valueFor = (/** @type {number} */ tag) => entries.find((entry) => entry.tag === tag)?.value;
    const address = valueFor(5);
    const size = valueFor(10);
    const home = programs.find(
      (p) => p.type === 1 && address !== undefined && address >= p.address && address < p.address + p.size,
    );
    if (address === undefined || size === undefined || !home) return { arch, runPath: '', needed: [] };
    const strings = home.offset + address - home.address;
    const text = (/** @type {number | undefined} */ at) =>
      at === undefined ? '' : readText(read, strings + at, size - at);
    return {
      arch,
      runPath: text(valueFor(29)) || text(valueFor(15)),
      needed: entries.filter(({ tag }) => tag === 1).map(({ value }) => text(value)),
    };
  } finally {
    closeSync(file);
  }
}

/**
 * A text that ends with a zero byte. The table it stands in holds every symbol's name and has many megabytes, so it is
 * read piece by piece.
 * @param {(at: number, length: number) => Buffer | null} read
 * @param {number} at
 * @param {number} limit bytes to the end of the table
 * @returns {string}
 */
function readText(read, at, limit) {
  let text = '';
  for (let done = 0; done < limit; ) {
    const piece = read(at + done, Math.min(4096, limit - done));
    if (!piece) return text;
    const end = piece.indexOf(0);
    text += piece.toString('latin1', 0, end < 0 ? piece.length : end);
    if (end >= 0) return text;
    done += piece.length;
  }
  return text;
}

/**
 * @param {(at: number, length: number) => Buffer | null} read
 * @param {Buffer} header
 * @returns {{type: number, offset: number, address: number, size: number}[]} the segments, sizes in bytes
 */
function readPrograms(read, header) {
  const start = Number(header.readBigUInt64LE(32));
  const entrySize = header.readUInt16LE(54);
  const count = header.readUInt16LE(56);
  const table = read(start, entrySize * count);
  if (!table) return [];
  return Array.from({ length: count }, (_, i) => {
    const at = i * entrySize;
    return {
      type: table.readUInt32LE(at),
      offset: Number(table.readBigUInt64LE(at + 8)),
      address: Number(table.readBigUInt64LE(at + 16)),
      size: Number(table.readBigUInt64LE(at + 32)),
    };
  });
}
