import type { Pixels } from './pixels.js';

/** How an image is resized: as Pillow's filters of these names do. */
export const resizeFilters = ['nearest', 'bicubic'] as const;
/** A name from {@link resizeFilters}. */
export type ResizeFilter = (typeof resizeFilters)[number];

/** Fixed-point bits of the bicubic weights: 8 of the 32 hold the value, 2 the overshoot of the kernel. */
const BITS = 22;

/**
 * Resize an 8-bit image as Pillow does, bit for bit: sharp's filters differ from it by several grey levels.
 * Nearest takes the pixel under the centre; bicubic widens its kernel when it shrinks (antialiasing), rounds its weights
 * to 22 bits, goes along rows first, and rounds to 8 bits in between.
 * @returns the image itself where the size stays
 */
export function resize(image: Pixels, width: number, height: number, filter: ResizeFilter): Pixels {
  if (!(Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0)) {
    throw new RangeError(`resize: to ${width} x ${height}; a positive whole number of pixels was wanted`);
  }
  if (width === image.width && height === image.height) return image;
  if (filter === 'nearest') return resizeNearest(image, width, height);
  const narrow = width === image.width ? image : resampleRows(image, width);
  return height === image.height ? narrow : resampleColumns(narrow, height);
}

/** For each output pixel the input pixel under its centre; the step is summed up as Pillow does. */
function nearestIndices(size: number, outSize: number): Int32Array {
  const step = size / outSize;
  let at = step * 0.5;
  return Int32Array.from({ length: outSize }, () => {
    const index = Math.trunc(at);
    at += step;
    return Math.min(index, size - 1);
  });
}

function resizeNearest({ values, width, height, channels }: Pixels, outWidth: number, outHeight: number): Pixels {
  const columns = nearestIndices(width, outWidth);
  const rows = nearestIndices(height, outHeight);
  const out = new Uint8Array(outHeight * outWidth * channels);
  let to = 0;
  for (const row of rows) {
    for (const column of columns) {
      const from = (row * width + column) * channels;
      for (let c = 0; c < channels; c++) out[to++] = values[from + c]!;
    }
  }
  return { height: outHeight, width: outWidth, channels, values: out };
}

/** Keys' cubic kernel with a = -0.5. */
function bicubic(x: number): number {
  const a = -0.5;
  const d = Math.abs(x);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return (((d - 5) * d + 8) * d - 4) * a;
  return 0;
}

/** Which input pixels an output pixel is made of: `count` from `first` on, with fixed-point weights. */
interface Taps {
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** `stride` weights an output pixel. */
  readonly weights: Int32Array;
  readonly stride: number;
}

function tapsOf(size: number, outSize: number): Taps {
  const scale = size / outSize;
  const filterScale = Math.max(scale, 1);
  const support = 2 * filterScale;
  const stride = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(outSize);
  const count = new Int32Array(outSize);
  const weights = new Int32Array(outSize * stride);
  for (let i = 0; i < outSize; i++) {
    const center = (i + 0.5) * scale;
    const low = Math.max(Math.trunc(center - support + 0.5), 0);
    const high = Math.min(Math.trunc(center + support + 0.5), size);
    const taps = Array.from({ length: high - low }, (_, k) => bicubic((k + low - center + 0.5) / filterScale));
    const sum = taps.reduce((total, tap) => total + tap, 0);
    first[i] = low;
    count[i] = taps.length;
    for (const [k, tap] of taps.entries()) {
      const weight = (tap / sum) * 2 ** BITS;
      weights[i * stride + k] = Math.trunc(weight + (weight < 0 ? -0.5 : 0.5));
    }
  }
  return { first, count, weights, stride };
}

const toByte = (sum: number): number => Math.min(Math.max(sum >> BITS, 0), 255);
const HALF = 1 << (BITS - 1);

function resampleRows({ values, width, height, channels }: Pixels, outWidth: number): Pixels {
  const { first, count, weights, stride } = tapsOf(width, outWidth);
  const out = new Uint8Array(height * outWidth * channels);
  let to = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < outWidth; x++) {
      const from = (y * width + first[x]!) * channels;
      for (let c = 0; c < channels; c++) {
        let sum = HALF;
        for (let k = 0; k < count[x]!; k++) sum += values[from + k * channels + c]! * weights[x * stride + k]!;
        out[to++] = toByte(sum);
      }
    }
  }
  return { height, width: outWidth, channels, values: out };
}

function resampleColumns({ values, width, height, channels }: Pixels, outHeight: number): Pixels {
  const row = width * channels;
  const { first, count, weights, stride } = tapsOf(height, outHeight);
  const out = new Uint8Array(outHeight * row);
  let to = 0;
  for (let y = 0; y < outHeight; y++) {
    const from = first[y]! * row;
    for (let x = 0; x < row; x++) {
      let sum = HALF;
      for (let k = 0; k < count[y]!; k++) sum += values[from + k * row + x]! * weights[y * stride + k]!;
      out[to++] = toByte(sum);
    }
  }
  return { height: outHeight, width, channels, values: out };
}
