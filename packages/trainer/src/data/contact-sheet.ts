import { FACE_CLASSES } from './classes.js';
import type { Pixels } from './pixels.js';
import { resize } from './resize.js';

/** A mask in the classes' colours. @param labels [H,W,1] @returns [H,W,3] */
export function colourMask({ height, width, values }: Pixels): Pixels {
  const out = new Uint8Array(values.length * 3);
  for (const [i, label] of values.entries()) out.set(FACE_CLASSES[label]!.rgb, 3 * i);
  return { height, width, channels: 3, values: out };
}

/**
 * Pictures side by side on grey, each enlarged or shrunk to a square.
 * @param rows pictures [H,W,3] or [H,W,1] of each row; undefined leaves a red cross where one is missing
 * @param side of a picture, in pixels
 * @returns [H,W,3]
 */
export function contactSheet(rows: readonly (readonly (Pixels | undefined)[])[], side: number, gap = 2): Pixels {
  const columns = Math.max(1, ...rows.map((row) => row.length));
  const width = columns * (side + gap) + gap;
  const height = Math.max(1, rows.length) * (side + gap) + gap;
  const values = new Uint8Array(width * height * 3).fill(96);
  for (const [r, row] of rows.entries()) {
    for (const [c, picture] of row.entries()) {
      paste(values, width, gap + r * (side + gap), gap + c * (side + gap), picture && fit(picture, side), side);
    }
  }
  return { height, width, channels: 3, values };
}

function fit(picture: Pixels, side: number): Pixels {
  // Small pictures keep their pixels, large ones are averaged.
  return resize(picture, side, side, picture.width <= side ? 'nearest' : 'bicubic');
}

function paste(
  values: Uint8Array,
  width: number,
  top: number,
  left: number,
  picture: Pixels | undefined,
  side: number,
): void {
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const to = ((top + y) * width + left + x) * 3;
      const from = (y * side + x) * (picture?.channels ?? 0);
      const cross = Math.abs(x - y) < 2 || Math.abs(x + y - side) < 2;
      for (let c = 0; c < 3; c++) {
        if (picture === undefined) values[to + c] = cross && c === 0 ? 220 : 24;
        else values[to + c] = picture.values[picture.channels === 3 ? from + c : from]!;
      }
    }
  }
}
