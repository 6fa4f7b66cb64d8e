import { CheckpointError, DAMAGED } from './checkpoint-error.js';

/** Bytes that can be read at any position: a file, a Blob, a buffer. The core reads checkpoints through nothing else. */
export interface ByteSource {
  /** What messages call it; a path where there is one. */
  readonly name: string;
  /** Length in bytes. */
  readonly size: number;
  /** Fill all of `target` from byte `offset` on. @throws if fewer bytes are there. */
  readInto(target: Uint8Array, offset: number): Promise<void>;
  /** Release whatever stands behind the source. */
  close?(): Promise<void>;
}

/** A source over bytes in memory. Reading past their end is a RangeError. */
export function bytesSource(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    size: bytes.length,
    async readInto(target, offset) {
      if (offset < 0 || offset + target.length > bytes.length) throw new RangeError(`${name}: read past the end`);
      target.set(bytes.subarray(offset, offset + target.length));
    },
  };
}

/** A source over a browser's `Blob` or `File`. Reading past its end is a RangeError. */
export function blobSource(name: string, blob: Blob): ByteSource {
  return {
    name,
    size: blob.size,
    async readInto(target, offset) {
      const bytes = new Uint8Array(await blob.slice(offset, offset + target.length).arrayBuffer());
      if (bytes.length !== target.length) throw new RangeError(`${name}: read past the end`);
      target.set(bytes);
    },
  };
}

/**
 * Read `length` bytes, checked against the source's size before anything is allocated.
 * @param what names the thing for the message, e.g. 'the header'
 * @throws CheckpointError if the range leaves the source
 */
export async function readBytes(
  source: ByteSource,
  offset: number,
  length: number,
  what: string,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!(offset >= 0 && length >= 0 && offset + length <= source.size)) {
    throw new CheckpointError({
      file: source.name,
      offset,
      problem: `${what} needs bytes ${offset} to ${offset + length}, the file has ${source.size}`,
      advice: DAMAGED,
    });
  }
  const target = new Uint8Array(length);
  await source.readInto(target, offset);
  return target;
}
