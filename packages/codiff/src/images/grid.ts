import type { ImageBatch } from './image.js';

/** How images are laid out. */
export interface GridOptions {
  /** Images in a row. */
  readonly nrow: number;
  /** Pixels between images and around them. Default 2. */
  readonly padding?: number | undefined;
}

/**
 * Images side by side on one sheet, as torchvision's `make_grid` lays them out: row by row, on a ground of 0; maps of one
 * channel become grey; a single image stays as it is, without a border.
 * @param images [B,H,W,C], at least one @returns a batch of one
 * @throws RangeError for no image, or settings that are no whole numbers
 */
export function makeGrid(images: ImageBatch, { nrow, padding = 2 }: GridOptions): ImageBatch {
  if (!Number.isInteger(nrow) || nrow < 1)
    throw new RangeError(`grid: nrow is ${nrow}, wanted a positive whole number`);
  if (!Number.isInteger(padding) || padding < 0) {
    throw new RangeError(`grid: padding is ${padding}, wanted a whole number of at least 0`);
  }
  const { values, shape } = images.shape[3] === 1 ? asGrey(images) : images;
  const [B, H, W, C] = shape;
  if (B === 0) throw new RangeError('grid: no image');
  if (B === 1) return { values, shape };
  const columns = Math.min(nrow, B);
  const height = Math.ceil(B / columns) * (H + padding) + padding;
  const width = columns * (W + padding) + padding;
  const sheet = new Float32Array(height * width * C);
  for (let i = 0; i < B; i++) {
    const top = Math.floor(i / columns) * (H + padding) + padding;
    const left = (i % columns) * (W + padding) + padding;
    for (let y = 0; y < H; y++) {
      const start = (i * H + y) * W * C;
      sheet.set(values.subarray(start, start + W * C), ((top + y) * width + left) * C);
    }
  }
  return { values: sheet, shape: [1, height, width, C] };
}

function asGrey({ values, shape: [B, H, W] }: ImageBatch): ImageBatch {
  return {
    values: Float32Array.from({ length: values.length * 3 }, (_, i) => values[Math.floor(i / 3)]!),
    shape: [B, H, W, 3],
  };
}
