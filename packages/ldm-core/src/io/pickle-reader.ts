/** The bytes ended inside an instruction: more may help (legacy files), or the file is cut off. */
export class PickleTruncated extends Error {
  constructor(readonly offset: number) {
    super(`pickle ends at byte ${offset} within an instruction`);
  }
}

/** An instruction that no pickle of a checkpoint needs, or operands that fit none. */
export class PickleFault extends Error {
  readonly problem: string;

  constructor(
    problem: string,
    readonly offset: number,
    readonly advice?: string,
    /** The global it is about, dotted. */
    readonly global?: string,
  ) {
    super(problem);
    // Names come from the file and may be megabytes long.
    this.problem = problem.length > 500 ? `${problem.slice(0, 500)}...` : problem;
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });
/** Longest text operand of protocol 0, in bytes. */
const MAX_LINE = 4096;
/** Longest binary integer, in bytes; reading one costs the square of its length. */
const MAX_LONG = 256;

/** A cursor over pickle operands. Every length is checked against the bytes at hand before anything is taken. */
export class PickleReader {
  private readonly view: DataView;

  constructor(
    private readonly bytes: Uint8Array,
    public position: number,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(): number {
    return this.view.getUint8(this.advance(1));
  }

  u16(): number {
    return this.view.getUint16(this.advance(2), true);
  }

  u32(): number {
    return this.view.getUint32(this.advance(4), true);
  }

  i32(): number {
    return this.view.getInt32(this.advance(4), true);
  }

  /** A length of 8 bytes; one beyond the bytes at hand reads as truncation. */
  u64(): number {
    return Number(this.view.getBigUint64(this.advance(8), true));
  }

  f64(): number {
    return this.view.getFloat64(this.advance(8), false);
  }

  /** A copy, so that a small value does not keep the whole pickle alive. */
  raw(length: number): Uint8Array {
    const start = this.advance(length);
    return this.bytes.slice(start, start + length);
  }

  text(length: number): string {
    const start = this.advance(length);
    try {
      return UTF8.decode(this.bytes.subarray(start, start + length));
    } catch {
      throw new PickleFault('a string is not UTF-8', start);
    }
  }

  /** A Python 2 string: text where it is UTF-8, else bytes. */
  byteText(length: number): string | Uint8Array {
    const start = this.advance(length);
    const part = this.bytes.slice(start, start + length);
    try {
      return UTF8.decode(part);
    } catch {
      return part;
    }
  }

  /** Up to the next newline, which is consumed; Latin-1. */
  line(): string {
    const start = this.position;
    const limit = Math.min(this.bytes.length, start + MAX_LINE);
    let end = start;
    while (end < limit && this.bytes[end] !== 0x0a) end++;
    if (end === this.bytes.length) throw new PickleTruncated(start);
    if (end === limit) throw new PickleFault(`a text operand is longer than ${MAX_LINE} bytes`, start);
    this.position = end + 1;
    return String.fromCharCode(...this.bytes.subarray(start, end));
  }

  /** Two's complement, little-endian; a number where it fits exactly. */
  long(length: number): number | bigint {
    if (length > MAX_LONG) throw new PickleFault(`an integer of ${length} bytes`, this.position);
    const part = this.raw(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(part[i]!);
    if (length > 0 && part[length - 1]! >= 0x80) value -= 1n << BigInt(8 * length);
    return narrow(value);
  }

  private advance(length: number): number {
    const start = this.position;
    if (!(length >= 0 && length <= this.bytes.length - start)) {
      if (length < 0) throw new PickleFault(`a length of ${length}`, start);
      throw new PickleTruncated(start);
    }
    this.position = start + length;
    return start;
  }
}

/** A number where that is exact, else the bigint. */
export function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
