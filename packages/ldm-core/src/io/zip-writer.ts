import type { ByteSink } from './byte-sink.js';
import { type Crc32, crc32 } from './crc32.js';

interface Written {
  readonly name: Uint8Array;
  readonly size: number;
  readonly crc: number;
  readonly offset: number;
}

const MAX32 = 0xffffffff;
/** 1 January 1980, the first day of zip: equal contents give equal files. */
const DATE = 0x0021;
/** Storages start at multiples of this, so that PyTorch can map them. */
const ALIGNMENT = 64;

/** Writes a zip archive of stored files front to back; zip64 fields appear only where the plain ones are too small. */
export class ZipWriter {
  private offset = 0;
  private readonly written: Written[] = [];

  constructor(
    private readonly sink: ByteSink,
    private readonly checksum: Crc32 = crc32,
  ) {}

  /** Add a file; its bytes start at a multiple of 64. */
  async add(name: string, bytes: Uint8Array): Promise<void> {
    const encoded = new TextEncoder().encode(name);
    const large = bytes.length >= MAX32;
    const start = this.offset + 30 + encoded.length + (large ? 20 : 0);
    // An extra field of its own identity pads; it takes at least the four bytes of its head.
    const padding = (ALIGNMENT - ((start + 4) % ALIGNMENT)) % ALIGNMENT;
    const head = new Uint8Array(30 + encoded.length + (large ? 20 : 0) + 4 + padding);
    const view = new DataView(head.buffer);
    const crc = this.checksum(bytes, 0);
    view.setUint32(0, 0x04034b50, true);
    view.setUint16(4, large ? 45 : 20, true);
    view.setUint16(12, DATE, true);
    view.setUint32(14, crc, true);
    view.setUint32(18, large ? MAX32 : bytes.length, true);
    view.setUint32(22, large ? MAX32 : bytes.length, true);
    view.setUint16(26, encoded.length, true);
    view.setUint16(28, head.length - 30 - encoded.length, true);
    head.set(encoded, 30);
    let at = 30 + encoded.length;
    if (large) {
      view.setUint16(at, 1, true);
      view.setUint16(at + 2, 16, true);
      view.setBigUint64(at + 4, BigInt(bytes.length), true);
      view.setBigUint64(at + 12, BigInt(bytes.length), true);
      at += 20;
    }
    view.setUint16(at, 0x4246, true); // 'FB', the padding field of PyTorch's own writer
    view.setUint16(at + 2, padding, true);
    head.fill(0x5a, at + 4);
    this.written.push({ name: encoded, size: bytes.length, crc, offset: this.offset });
    await this.put(head);
    await this.put(bytes);
  }

  /** Write the list of files. Nothing may be added after. */
  async finish(): Promise<void> {
    const start = this.offset;
    for (const entry of this.written) await this.put(centralEntry(entry));
    const size = this.offset - start;
    const count = this.written.length;
    if (start >= MAX32 || size >= MAX32 || count >= 0xffff) await this.put(end64(start, size, count, this.offset));
    const end = new DataView(new ArrayBuffer(22));
    end.setUint32(0, 0x06054b50, true);
    end.setUint16(8, Math.min(count, 0xffff), true);
    end.setUint16(10, Math.min(count, 0xffff), true);
    end.setUint32(12, Math.min(size, MAX32), true);
    end.setUint32(16, Math.min(start, MAX32), true);
    await this.put(new Uint8Array(end.buffer));
  }

  private async put(bytes: Uint8Array): Promise<void> {
    this.offset += bytes.length;
    await this.sink.write(bytes);
  }
}

function centralEntry({ name, size, crc, offset }: Written): Uint8Array {
  const wide = [size, size, offset].filter((value) => value >= MAX32);
  const extra = wide.length === 0 ? 0 : 4 + 8 * wide.length;
  const entry = new Uint8Array(46 + name.length + extra);
  const view = new DataView(entry.buffer);
  view.setUint32(0, 0x02014b50, true);
  view.setUint16(4, extra > 0 ? 45 : 20, true);
  view.setUint16(6, extra > 0 ? 45 : 20, true);
  view.setUint16(14, DATE, true);
  view.setUint32(16, crc, true);
  view.setUint32(20, Math.min(size, MAX32), true);
  view.setUint32(24, Math.min(size, MAX32), true);
  view.setUint16(28, name.length, true);
  view.setUint16(30, extra, true);
  view.setUint32(42, Math.min(offset, MAX32), true);
  entry.set(name, 46);
  if (extra > 0) {
    const at = 46 + name.length;
    view.setUint16(at, 1, true);
    view.setUint16(at + 2, 8 * wide.length, true);
    wide.forEach((value, i) => {
      view.setBigUint64(at + 4 + 8 * i, BigInt(value), true);
    });
  }
  return entry;
}

/** The zip64 end record (56 bytes) and its locator (20). */
function end64(start: number, size: number, count: number, at: number): Uint8Array {
  const record = new DataView(new ArrayBuffer(76));
  record.setUint32(0, 0x06064b50, true);
  record.setBigUint64(4, 44n, true);
  record.setUint16(12, 45, true);
  record.setUint16(14, 45, true);
  record.setBigUint64(24, BigInt(count), true);
  record.setBigUint64(32, BigInt(count), true);
  record.setBigUint64(40, BigInt(size), true);
  record.setBigUint64(48, BigInt(start), true);
  record.setUint32(56, 0x07064b50, true);
  record.setBigUint64(64, BigInt(at), true);
  record.setUint32(72, 1, true);
  return new Uint8Array(record.buffer);
}
