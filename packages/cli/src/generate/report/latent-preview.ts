import type { ByteImage, ImageBatch } from '@codiff/codiff';

/** What latents look like without the decoder: a linear map of their channels to red, green and blue. */
export interface LatentPreview {
  /** Rows of factors, one a colour: those of the channels, then a constant. */
  readonly factors: readonly (readonly number[])[];
  /** Share of the image's variance that the map explains, 0 to 1. */
  readonly explained: number;
}

/**
 * Fit a preview to a latent whose image is known, by least squares over its pixels.
 * @param z [1,h,w,c] @param image its decoded image, of a multiple of that size [H,W,3]
 */
export function fitPreview({ values, shape }: ImageBatch, image: ByteImage): LatentPreview {
  const [, h, w, c] = shape;
  const target = shrink(image, image.height / h);
  const width = c + 1;
  const input = (pixel: number, channel: number) => (channel === c ? 1 : values[pixel * c + channel]!);
  const gram = Array.from({ length: width }, () => new Float64Array(width));
  const right = Array.from({ length: 3 }, () => new Float64Array(width));
  for (let i = 0; i < h * w; i++) {
    for (let a = 0; a < width; a++) {
      for (let b = 0; b < width; b++) gram[a]![b]! += input(i, a) * input(i, b);
      for (let k = 0; k < 3; k++) right[k]![a]! += input(i, a) * target.values[3 * i + k]!;
    }
  }
  // A channel that is constant over the image would leave the equations without a single answer.
  for (let a = 0; a < width; a++) gram[a]![a]! += 1e-6 * (gram[a]![a]! + 1);
  const factors = right.map((b) => solve(gram, b));
  const means = [0, 1, 2].map((k) => right[k]![c]! / (h * w));
  let [rest, all] = [0, 0];
  for (let i = 0; i < h * w; i++) {
    for (let k = 0; k < 3; k++) {
      const level = target.values[3 * i + k]!;
      const fitted = factors[k]!.reduce((sum, factor, a) => sum + factor * input(i, a), 0);
      rest += (level - fitted) ** 2;
      all += (level - means[k]!) ** 2;
    }
  }
  return { factors, explained: all === 0 ? 1 : Math.max(0, 1 - rest / all) };
}

/** Latents as a preview shows them. @param z [T,h,w,c] @returns T images of h x w */
export function previewFrames({ values, shape }: ImageBatch, { factors }: LatentPreview): ByteImage[] {
  const [T, height, width, c] = shape;
  const size = height * width;
  return Array.from({ length: T }, (_, t) => {
    const levels = new Uint8ClampedArray(3 * size);
    for (let i = 0; i < size; i++) {
      for (let k = 0; k < 3; k++) {
        let level = factors[k]![c]!;
        for (let a = 0; a < c; a++) level += factors[k]![a]! * values[(t * size + i) * c + a]!;
        levels[3 * i + k] = level;
      }
    }
    return { values: new Uint8Array(levels.buffer), height, width, channels: 3 };
  });
}

/** An image made smaller by a whole factor: means of squares of pixels. */
export function shrink({ values, height, width, channels }: ByteImage, factor: number): ByteImage {
  if (factor === 1) return { values, height, width, channels };
  const [h, w] = [Math.floor(height / factor), Math.floor(width / factor)];
  const means = new Uint8Array(h * w * channels);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      for (let k = 0; k < channels; k++) {
        let sum = 0;
        for (let v = 0; v < factor; v++) {
          const row = ((y * factor + v) * width + x * factor) * channels + k;
          for (let u = 0; u < factor; u++) sum += values[row + u * channels]!;
        }
        means[(y * w + x) * channels + k] = Math.round(sum / factor ** 2);
      }
    }
  }
  return { values: means, height: h, width: w, channels };
}

/** Gaussian elimination with pivots; the matrix is regular. */
function solve(matrix: readonly Float64Array[], vector: Float64Array): number[] {
  const n = vector.length;
  const rows = matrix.map((row, i) => [...row, vector[i]!]);
  for (let a = 0; a < n; a++) {
    const pivot = rows.slice(a).reduce((best, row) => (Math.abs(row[a]!) > Math.abs(best[a]!) ? row : best));
    rows.splice(rows.indexOf(pivot), 1);
    rows.splice(a, 0, pivot);
    for (const row of rows) {
      if (row === pivot) continue;
      const factor = row[a]! / pivot[a]!;
      for (let b = a; b <= n; b++) row[b]! -= factor * pivot[b]!;
    }
  }
  return rows.map((row, a) => row[n]! / row[a]!);
}
