import type { ByteImage } from '../images/image.js';
import { LETTER, letterDot } from './pixel-font.js';

/** One picture of a contact sheet. */
export interface SheetCell {
  readonly image: ByteImage;
  /** What stands below it; cut where it is wider than the picture. */
  readonly label: string;
}

/** A contact sheet: rows of pictures with a word below each, and a title above all. */
export interface ContactSheet {
  /** Broken into lines at spaces; may be empty. */
  readonly title: string;
  /** Pictures of one size, RGB. Rows may differ in length. */
  readonly rows: readonly (readonly SheetCell[])[];
}

const PAPER = 255;
const INK = 32;
/** Of the line around a picture, without which a white one would not be seen on the paper. */
const FRAME = 176;
/** Pixels around pictures. */
const GAP = 8;
/** Dots between letters, and between lines. */
const SPACING = { letter: 1, line: 2 } as const;

/**
 * Lay out a contact sheet: every image of an edit beside what it was made from, each in a thin frame. Letters are drawn by dots, twice as large from
 * pictures of 192 pixels on, so that no font is needed and the same sheet always has the same bytes.
 * @throws RangeError if there is no picture, or they differ in size, or are not RGB
 */
export function contactSheet({ title, rows }: ContactSheet): ByteImage {
  const cells = rows.flat();
  const [first] = cells;
  if (first === undefined) throw new RangeError('contact sheet: no picture');
  const { height: side, width } = first.image;
  for (const { image, label } of cells) {
    if (image.width === width && image.height === side && image.channels === 3) continue;
    throw new RangeError(
      `contact sheet: '${label}' is ${image.width}x${image.height} of ${image.channels} channels; ` +
        `wanted ${width}x${side} of 3`,
    );
  }
  const scale = width >= 192 ? 2 : 1;
  const line = (LETTER.height + SPACING.line) * scale;
  const columns = Math.max(...rows.map((row) => row.length));
  const sheetWidth = columns * (width + GAP) + GAP;
  const lines = wrap(title, lettersIn(sheetWidth - 2 * GAP, scale));
  const top = GAP + lines.length * line;
  const rowHeight = side + 2 * scale + line + GAP;
  const sheet: ByteImage = {
    width: sheetWidth,
    height: top + rows.length * rowHeight,
    channels: 3,
    values: new Uint8Array(sheetWidth * (top + rows.length * rowHeight) * 3).fill(PAPER),
  };
  for (const [i, words] of lines.entries()) write(sheet, words, GAP, GAP + i * line, scale);
  for (const [r, row] of rows.entries()) {
    for (const [c, { image, label }] of row.entries()) {
      const [left, above] = [GAP + c * (width + GAP), top + r * rowHeight];
      frame(sheet, { left, above, width, height: side });
      paste(sheet, image, left, above);
      write(sheet, label.slice(0, lettersIn(width, scale)), left, above + side + 2 * scale, scale);
    }
  }
  return sheet;
}

/** Letters that fit into a width. */
const lettersIn = (pixels: number, scale: number): number =>
  Math.max(1, Math.floor((pixels / scale + SPACING.letter) / (LETTER.width + SPACING.letter)));

function wrap(text: string, letters: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter((each) => each !== '')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= letters) lines[lines.length - 1] = `${last} ${word}`;
    else for (let at = 0; at < word.length; at += letters) lines.push(word.slice(at, at + letters));
  }
  return lines;
}

/** A line of one dot around a picture, in the gap: the picture itself stays whole. */
function frame(
  sheet: ByteImage,
  { left, above, width, height }: { left: number; above: number; width: number; height: number },
): void {
  for (let y = above - 1; y <= above + height; y++) {
    const row = y * sheet.width;
    sheet.values.fill(FRAME, (row + left - 1) * 3, (row + left + width + 1) * 3);
  }
}

function paste(sheet: ByteImage, { values, width, height }: ByteImage, left: number, top: number): void {
  for (let y = 0; y < height; y++) {
    const row = values.subarray(y * width * 3, (y + 1) * width * 3);
    sheet.values.set(row, ((top + y) * sheet.width + left) * 3);
  }
}

function write(sheet: ByteImage, text: string, left: number, top: number, scale: number): void {
  for (const [i, letter] of [...text].entries()) {
    const from = left + i * (LETTER.width + SPACING.letter) * scale;
    for (let y = 0; y < LETTER.height * scale; y++) {
      for (let x = 0; x < LETTER.width * scale; x++) {
        if (!letterDot(letter, Math.floor(x / scale), Math.floor(y / scale))) continue;
        const at = ((top + y) * sheet.width + from + x) * 3;
        sheet.values.fill(INK, at, at + 3);
      }
    }
  }
}
