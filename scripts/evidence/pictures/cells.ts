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

/** Ages as they fit below a picture. */
const SHORT_AGES: Readonly<Record<string, string>> = {
  thirties: '30s',
  forties: '40s',
  fifties: '50s',
  sixties: '60s',
};

/** What a caption tells, in as few letters as fit below a picture: of somebody with a beard not that he is a man. */
export function captionWords(caption: string): string {
  const { gender, age, beard } = parseCaption(caption);
  const years = SHORT_AGES[age] ?? age;
  if (beard !== 'none') return `${years}, ${beard} beard`;
  return gender === 'woman' ? `woman, ${years}` : `man, ${years}, no beard`;
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
