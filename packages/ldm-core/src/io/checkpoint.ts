import type { ByteSource } from './byte-source.js';
import { CheckpointError } from './checkpoint-error.js';
import { type Crc32, crc32 } from './crc32.js';
import type { PickleValue } from './pickle-value.js';
import type { StoredTensor } from './stored-tensor.js';
import { readTensorBytes } from './tensor-bytes.js';
import { checksumError, verifyStorage } from './verify-storage.js';

/** The file formats read here. */
export type CheckpointFormat = 'torch-zip' | 'torch-legacy' | 'safetensors';

/** How a checkpoint is opened. */
export interface OpenOptions {
  /** Compare the checksums that the zip format stores with every byte read (default true). */
  readonly verify?: boolean;
  /** A faster CRC-32 than the built-in one. */
  readonly crc32?: Crc32;
  /** Further pickled names to hold inert: `package.Class`, or `package.*`. */
  readonly inertGlobals?: readonly string[];
}

/** What a format's reader finds in a file's header. */
export interface CheckpointContents {
  readonly format: CheckpointFormat;
  /** The weights: `state_dict` where the file has one, else all tensors under dotted keys; '' for a file of one tensor. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Everything in a pickled file, tensors included; null for safetensors. */
  readonly root: PickleValue;
  /** Text that a safetensors header carries. */
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * An open checkpoint: names, types and shapes of its tensors are known, no value has been read. Values are read one tensor
 * at a time, so memory is the caller's weights plus one tensor. Close it when done.
 */
export class Checkpoint implements CheckpointContents {
  readonly format: CheckpointFormat;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly root: PickleValue;
  readonly metadata: ReadonlyMap<string, string>;
  private readonly verified = new Set<string>();

  constructor(
    private readonly source: ByteSource,
    contents: CheckpointContents,
    private readonly options: OpenOptions = {},
  ) {
    this.format = contents.format;
    this.tensors = contents.tensors;
    this.root = contents.root;
    this.metadata = contents.metadata;
  }

  /** Name of the file. */
  get file(): string {
    return this.source.name;
  }

  /** Length of the file in bytes. */
  get size(): number {
    return this.source.size;
  }

  /** The tensor of a key. @throws CheckpointError if there is none */
  tensor(key: string): StoredTensor {
    const tensor = this.tensors.get(key);
    if (tensor !== undefined) return tensor;
    throw new CheckpointError({
      file: this.file,
      key,
      problem: `no such tensor among ${this.tensors.size}`,
      advice: "list them with 'codiff checkpoint inspect'",
    });
  }

  /**
   * The elements of a tensor as little-endian bytes in row-major order of the file's shape.
   * @param tensor a key of `tensors`, or any tensor found in `root`
   * @param into a buffer to reuse: the result is its start; without it (or where it is too small) a fresh one
   * @throws CheckpointError if the bytes are missing or fail their checksum
   */
  async readBytes(tensor: string | StoredTensor, into?: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    const stored = typeof tensor === 'string' ? this.tensor(tensor) : tensor;
    const key = typeof tensor === 'string' ? tensor : stored.storage.id;
    const { storage, byteLength } = stored;
    const bytes = into && into.length >= byteLength ? into.subarray(0, byteLength) : this.allocate(key, byteLength);
    const checksum = this.options.verify === false || this.verified.has(storage.id) ? undefined : storage.crc32;
    const whole = stored.contiguous && byteLength === storage.byteLength;
    if (checksum !== undefined && !whole) {
      await verifyStorage(this.source, storage, key, checksum, this.options.crc32 ?? crc32);
    }
    await readTensorBytes(this.source, stored, key, bytes);
    if (checksum !== undefined && whole) {
      const found = (this.options.crc32 ?? crc32)(bytes, 0);
      if (found !== checksum) throw checksumError(this.file, key, storage.id);
    }
    if (checksum !== undefined) this.verified.add(storage.id);
    return bytes;
  }

  private allocate(key: string, length: number): Uint8Array<ArrayBuffer> {
    try {
      return new Uint8Array(length);
    } catch (cause) {
      const problem = `one tensor of ${length} bytes, more than an array here can hold`;
      const advice = 'use a newer Node (20 holds 4 GiB an array), or split the tensor';
      throw new CheckpointError({ file: this.file, key, problem, advice }, { cause });
    }
  }

  /** Release the file. */
  async close(): Promise<void> {
    await this.source.close?.();
  }
}
