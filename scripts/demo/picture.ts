import { crop, decodeImage, type Pixels, resize } from '@codiff/trainer';
import type { Samples } from './sample.js';

const TILE = 128;
const GAP = 4;
/** Step of the influence map that is shown, of 50 from noise to image, and how the sheet of them is laid out. */
const STEP = 12;
const SHEET = { columns: 10, padding: 2 };

/**
 * The demo in one picture. Rows: text alone, mask alone, both together; before each row what belongs to it: the drawing that
 * was described, its mask, and the mask's influence at a step on the way.
 */
export async function samplePicture({ original, mask, influence, rows }: Samples): Promise<Pixels> {
  const heads = [await decodeImage(original), await decodeImage(mask), await influenceAt(influence)];
  const columns = 1 + Math.max(...rows.map(({ images }) => images.length));
  const width = columns * (TILE + GAP) + GAP;
  const height = rows.length * (TILE + GAP) + GAP;
  const values = new Uint8Array(width * height * 3).fill(255);
  for (const [y, { images }] of rows.entries()) {
    const tiles = [heads[y]!, ...(await Promise.all(images.map((path) => decodeImage(path))))];
    for (const [x, tile] of tiles.entries()) {
      const { values: from } = resize(tile, TILE, TILE, 'nearest');
      for (let row = 0; row < TILE; row++) {
        const at = ((GAP + y * (TILE + GAP) + row) * width + GAP + x * (TILE + GAP)) * 3;
        values.set(from.subarray(row * TILE * 3, (row + 1) * TILE * 3), at);
      }
    }
  }
  return { width, height, channels: 3, values };
}

/** One map of a sheet of maps. */
async function influenceAt(path: string): Promise<Pixels> {
  const sheet = await decodeImage(path);
  const { columns, padding } = SHEET;
  const side = Math.floor((sheet.width - padding) / columns) - padding;
  const [x, y] = [STEP % columns, Math.floor(STEP / columns)];
  const at = (index: number) => padding + index * (side + padding);
  return crop(sheet, at(y), at(x), side, side);
}
