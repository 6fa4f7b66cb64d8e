// Why not a package: the readers of the registry want Node streams or the whole archive in memory. Checkpoints need
// positional reads of stored entries of any size on a ByteSource, in a browser as well, and that is this much.
import { type ByteSource, readBytes } from './byte-source.js';
import { CheckpointError, DAMAGED } from './checkpoint-error.js';

/** One stored (never compressed) file of a zip archive. */
export interface ZipEntry {
  readonly name: string;
  /** Length in bytes. */
  readonly size: number;
  readonly crc32: number;
  /** Where its local header starts. */
  readonly headerOffset: number;
}

const END = 0x06054b50;
const END_SIZE = 22;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const CENTRAL = 0x02014b50;
const CENTRAL_SIZE = 46;
const LOCAL = 0x04034b50;
const LOCAL_SIZE = 30;
const MAX_COMMENT = 0xffff;
/** Largest list of entries read: about 800 000 storages. */
const MAX_DIRECTORY = 64 * 2 ** 20;

interface Directory {
  readonly offset: number;
  readonly size: number;
  readonly count: number;
}

/**
 * The entries of an archive, from its central directory; zip64 included.
 * @throws CheckpointError if the directory is damaged, entries overlap or leave the file, or any is compressed or encrypted
 */
export async function readZipDirectory(source: ByteSource): Promise<ReadonlyMap<string, ZipEntry>> {
  const directory = await findDirectory(source);
  const fail = failIn(source.name);
  if (directory.size > MAX_DIRECTORY) fail(`the list of files takes ${directory.size} bytes`, directory.offset);
  if (directory.count * CENTRAL_SIZE > directory.size) {
    fail(`${directory.count} files are announced in a list of ${directory.size} bytes`, directory.offset);
  }
  const bytes = await readBytes(source, directory.offset, directory.size, 'the list of files');
  const view = new DataView(bytes.buffer);
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let i = 0; i < directory.count; i++) {
    if (at + CENTRAL_SIZE > bytes.length || view.getUint32(at, true) !== CENTRAL) {
      fail(`entry ${i} of the list of files is missing`, directory.offset + at);
    }
    const nameLength = view.getUint16(at + 28, true);
    const extraLength = view.getUint16(at + 30, true);
    const next = at + CENTRAL_SIZE + nameLength + extraLength + view.getUint16(at + 32, true);
    if (next > bytes.length) fail(`entry ${i} of the list of files is cut off`, directory.offset + at);
    const name = decodeName(bytes.subarray(at + CENTRAL_SIZE, at + CENTRAL_SIZE + nameLength));
    const entry = readEntry(source.name, view, at, name, at + CENTRAL_SIZE + nameLength, extraLength);
    if (entries.has(name)) fail('is listed twice in the archive', directory.offset + at, name);
    entries.set(name, entry);
    at = next;
  }
  checkRanges(source.name, [...entries.values()], directory.offset);
  return entries;
}

/**
 * Where an entry's bytes start: its local header, which must agree with the directory, has a length of its own.
 * @throws CheckpointError if it does not agree
 */
export async function zipDataOffset(source: ByteSource, entry: ZipEntry): Promise<number> {
  const bytes = await readBytes(source, entry.headerOffset, LOCAL_SIZE, `the header of '${entry.name}'`);
  const view = new DataView(bytes.buffer);
  const fail = failIn(source.name);
  if (view.getUint32(0, true) !== LOCAL) fail('no file starts where the list says', entry.headerOffset, entry.name);
  const nameLength = view.getUint16(26, true);
  const name = await readBytes(source, entry.headerOffset + LOCAL_SIZE, nameLength, `the name of '${entry.name}'`);
  if (decodeName(name) !== entry.name) {
    fail(`the list's name and the file's own, '${decodeName(name)}', differ`, entry.headerOffset, entry.name);
  }
  return entry.headerOffset + LOCAL_SIZE + nameLength + view.getUint16(28, true);
}

async function findDirectory(source: ByteSource): Promise<Directory> {
  const fail = failIn(source.name);
  const tailSize = Math.min(source.size, END_SIZE + MAX_COMMENT);
  const tailStart = source.size - tailSize;
  const tail = await readBytes(source, tailStart, tailSize, 'the end of the archive');
  const view = new DataView(tail.buffer);
  let at = tailSize - END_SIZE;
  while (at >= 0 && !(view.getUint32(at, true) === END && at + END_SIZE + view.getUint16(at + 20, true) === tailSize)) {
    at--;
  }
  if (at < 0) fail('the list of files at the end of the archive is missing', source.size);
  const small: Directory = {
    count: view.getUint16(at + 10, true),
    size: view.getUint32(at + 12, true),
    offset: view.getUint32(at + 16, true),
  };
  const end = tailStart + at;
  const locatorAt = at - 20;
  if (locatorAt < 0 || view.getUint32(locatorAt, true) !== LOCATOR64) return checked(source, small, end);
  const end64 = Number(view.getBigUint64(locatorAt + 8, true));
  const record = new DataView((await readBytes(source, end64, 56, 'the zip64 record')).buffer);
  if (record.getUint32(0, true) !== END64) fail('the zip64 record is not where the archive says', end64);
  const large: Directory = {
    count: Number(record.getBigUint64(32, true)),
    size: Number(record.getBigUint64(40, true)),
    offset: Number(record.getBigUint64(48, true)),
  };
  return checked(source, large, end64);
}

function checked(source: ByteSource, directory: Directory, end: number): Directory {
  if (directory.offset + directory.size > end) {
    failIn(source.name)(`the list of files (${directory.size} bytes) overlaps what follows it`, directory.offset);
  }
  return directory;
}

function readEntry(
  file: string,
  view: DataView,
  at: number,
  name: string,
  extraStart: number,
  extraLength: number,
): ZipEntry {
  const fail = failIn(file);
  const flags = view.getUint16(at + 8, true);
  const method = view.getUint16(at + 10, true);
  if (flags & 1) fail('is encrypted', at, name, 'decrypt the archive first');
  if (method !== 0) {
    fail(
      `is compressed (method ${method}); PyTorch stores`,
      at,
      name,
      'unpack it and pack it again without compression',
    );
  }
  let compressed = view.getUint32(at + 20, true);
  let size = view.getUint32(at + 24, true);
  let headerOffset = view.getUint32(at + 42, true);
  // Zip64: the fields that do not fit hold 0xffffffff, and their values follow one another in an extra field 1.
  for (let extra = extraStart; extra + 4 <= extraStart + extraLength; ) {
    const id = view.getUint16(extra, true);
    const end = extra + 4 + view.getUint16(extra + 2, true);
    if (end > extraStart + extraLength) break;
    if (id === 1) {
      let field = extra + 4;
      const take = (): number => {
        if (field + 8 > end) fail('has an incomplete zip64 field', at, name);
        field += 8;
        return Number(view.getBigUint64(field - 8, true));
      };
      if (size === 0xffffffff) size = take();
      if (compressed === 0xffffffff) compressed = take();
      if (headerOffset === 0xffffffff) headerOffset = take();
    }
    extra = end;
  }
  if (compressed !== size) fail(`is stored, but has two sizes (${compressed} and ${size})`, at, name);
  return { name, size, crc32: view.getUint32(at + 16, true), headerOffset };
}

/** Entries must lie one after another before the directory: overlapping ones are how small archives pretend to be large. */
function checkRanges(file: string, entries: ZipEntry[], directoryOffset: number): void {
  entries.sort((a, b) => a.headerOffset - b.headerOffset);
  entries.forEach((entry, i) => {
    const limit = entries[i + 1]?.headerOffset ?? directoryOffset;
    if (entry.headerOffset + LOCAL_SIZE + entry.size > limit) {
      failIn(file)(`its ${entry.size} bytes run into what follows them`, entry.headerOffset, entry.name);
    }
  });
}

const UTF8 = new TextDecoder();

function decodeName(bytes: Uint8Array): string {
  return UTF8.decode(bytes);
}

function failIn(file: string): (problem: string, offset: number, key?: string, advice?: string) => never {
  return (problem, offset, key, advice = DAMAGED) => {
    throw new CheckpointError({ file, offset, problem, advice, ...(key === undefined ? {} : { key }) });
  };
}
