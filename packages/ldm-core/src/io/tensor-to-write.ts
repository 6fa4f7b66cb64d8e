import { type DType, dtypeBytes } from './dtype.js';

/** A tensor that a file will hold: its header is known now, its bytes are asked for when their turn comes. */
export class TensorToWrite {
  constructor(
    readonly dtype: DType,
    /** The file's shape. */
    readonly shape: readonly number[],
    /** Little-endian elements in row-major order; called once, released after they are written. */
    readonly bytes: () => Promise<Uint8Array>,
  ) {}

  /** Number of elements. */
  get numel(): number {
    return this.shape.reduce((product, size) => product * size, 1);
  }

  /** Length in bytes. */
  get byteLength(): number {
    return this.numel * dtypeBytes(this.dtype);
  }

  /** The bytes, checked. @throws Error naming the tensor if there are more or fewer than announced */
  async take(key: string): Promise<Uint8Array> {
    const bytes = await this.bytes();
    if (bytes.length === this.byteLength) return bytes;
    throw new Error(
      `'${key}': ${this.byteLength} bytes were announced ([${this.shape}] ${this.dtype}), got ${bytes.length}`,
    );
  }
}
