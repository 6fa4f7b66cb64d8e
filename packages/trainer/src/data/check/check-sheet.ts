import { colourMask, contactSheet } from '../contact-sheet.js';
import type { Pixels } from '../pixels.js';
import type { SeenSample } from './check-dataset.js';

/** Pictures of a row, and rows of pictures, of a check's sheet. */
const COLUMNS = 10;
const ROWS = 4;

/** Gathers samples for a contact sheet: the bad ones first, then as many of the others as there is room for. */
export class CheckSheet {
  private readonly bad: SeenSample[] = [];
  private readonly good: SeenSample[] = [];

  /** @param isBad whether something is wrong with it */
  add(sample: SeenSample, isBad: boolean): void {
    const list = isBad ? this.bad : this.good;
    if (list.length < COLUMNS * ROWS) list.push(sample);
  }

  /** Rows of images, each above a row of its masks where the set has any; red crosses for what is missing. */
  draw(side = 96): Pixels {
    const samples = [...this.bad, ...this.good].slice(0, COLUMNS * ROWS);
    const masks = samples.some(({ mask }) => mask !== undefined);
    const rows: (Pixels | undefined)[][] = [];
    for (let start = 0; start < samples.length; start += COLUMNS) {
      const row = samples.slice(start, start + COLUMNS);
      rows.push(row.map(({ image }) => image && squared(image)));
      if (masks) rows.push(row.map(({ mask }) => mask && colourMask(mask)));
    }
    return contactSheet(rows, side);
  }
}

/** An image on a square of black, so that it keeps its proportions. */
function squared(image: Pixels): Pixels {
  const { width, height, channels, values } = image;
  if (width === height) return image;
  const side = Math.max(width, height);
  const out = new Uint8Array(side * side * channels);
  const [top, left] = [Math.floor((side - height) / 2), Math.floor((side - width) / 2)];
  for (let y = 0; y < height; y++) {
    out.set(values.subarray(y * width * channels, (y + 1) * width * channels), ((top + y) * side + left) * channels);
  }
  return { width: side, height: side, channels, values: out };
}
