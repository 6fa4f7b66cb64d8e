import { type ByteImage, contactSheet, type SheetCell } from '@codiff/codiff';
import { atomicWrite } from '@codiff/ldm-core/node';
import { colourMask, decodeImage, encodePng, parseCaption, readMaskPng, resize } from '@codiff/trainer';

/** Side of a picture on a sheet, in pixels: images of 64 pixels at twice their size. */
const SIDE = 128;

/** A picture with a word below it. */
export const cell = (image: ByteImage, label: string): SheetCell => ({
  image: resize({ ...image }, SIDE, SIDE, 'nearest'),
  label,
});

/** An image file with a word below it. */
export const fileCell = async (path: string, label: string): Promise<SheetCell> => cell(await decodeImage(path), label);

/** A mask in its classes' colours. @param path palette PNG */
export const maskCell = async (path: string, label: string): Promise<SheetCell> =>
  cell(colourMask(await readMaskPng(path)), label);

/** What a caption tells, in as few letters as fit below a picture. */
export function captionWords(caption: string): string {
  const { gender, age, beard } = parseCaption(caption);
  return gender === 'woman' ? `woman, ${age}` : `man, ${age}, ${beard === 'none' ? 'no' : beard} b.`;
}

/** Write a sheet, whole or not at all. @returns its size in bytes */
export async function writeSheet(
  path: string,
  title: string,
  rows: readonly (readonly SheetCell[])[],
): Promise<number> {
  const { values, width, height } = contactSheet({ title, rows });
  const png = await encodePng({ values, width, height, channels: 3 });
  await atomicWrite(path, (sink) => sink.write(png));
  return png.length;
}
