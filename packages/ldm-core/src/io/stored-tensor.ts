import { contiguousStrides } from '../nn/strides.js';
import { type DType, dtypeBytes } from './dtype.js';

/** A run of raw bytes in the file that one or more tensors are views of. */
export class Storage {
  /** Where its first byte lies in the file; set by the format's reader. */
  locate: () => Promise<number> = () => Promise.reject(new Error(`storage '${this.id}' has no place in the file`));

  constructor(
    /** Name within the file, for messages. */
    readonly id: string,
    /** Length in bytes. */
    readonly byteLength: number,
    /** CRC-32 of the bytes, where the format stores one. */
    readonly crc32?: number,
  ) {}
}

/** A tensor in a file: type, shape and place, no values. */
export class StoredTensor {
  constructor(
    readonly dtype: DType,
    /** Sizes per axis, in the file's layout; [] is a scalar. */
    readonly shape: readonly number[],
    /** Steps per axis in elements; 0 where the axis repeats one element. */
    readonly strides: readonly number[],
    /** First element, in elements from the storage's start. */
    readonly offset: number,
    readonly storage: Storage,
  ) {}

  /** Number of elements. */
  get numel(): number {
    return this.shape.reduce((product, size) => product * size, 1);
  }

  /** Bytes of the elements when laid out without gaps. */
  get byteLength(): number {
    return this.numel * dtypeBytes(this.dtype);
  }

  /** Whether the elements lie in row-major order without gaps. */
  get contiguous(): boolean {
    if (this.numel === 0) return true;
    const wanted = contiguousStrides(this.shape);
    return this.shape.every((size, axis) => size === 1 || this.strides[axis] === wanted[axis]);
  }
}

/** Most axes a tensor may have (PyTorch's own limit). */
export const MAX_RANK = 64;

/**
 * Why a view cannot exist in its storage, or undefined if it can. Every number may come from a hostile file.
 * @param capacity elements that the storage holds
 */
export function viewProblem(
  shape: readonly number[],
  strides: readonly number[],
  offset: number,
  capacity: number,
): string | undefined {
  if (shape.length > MAX_RANK) return `has ${shape.length} axes, at most ${MAX_RANK} are possible`;
  if (shape.length !== strides.length) return `has ${shape.length} sizes but ${strides.length} strides`;
  const whole = (n: number) => Number.isSafeInteger(n) && n >= 0;
  if (![offset, ...shape, ...strides].every(whole)) {
    return `has sizes [${shape}], strides [${strides}], offset ${offset}: whole numbers from 0 on were wanted`;
  }
  const numel = shape.reduce((product, size) => product * size, 1);
  if (numel === 0) return undefined;
  if (!Number.isSafeInteger(numel)) return `has sizes [${shape}]: more elements than any file holds`;
  const last = shape.reduce((index, size, axis) => index + (size - 1) * strides[axis]!, offset);
  if (!Number.isSafeInteger(last) || last >= capacity) {
    return `reaches element ${last} (sizes [${shape}], strides [${strides}], offset ${offset}) of a storage of ${capacity}`;
  }
  return undefined;
}
