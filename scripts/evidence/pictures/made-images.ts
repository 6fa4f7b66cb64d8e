import type { ByteImage, SheetCell } from '@codiff/codiff';
import { imagePath } from '../image-folder.js';
import { METHODS, type Method, weighed } from '../methods.js';
import type { Pair } from '../pairs.js';
import { methodFolder } from '../session.js';
import { fileCell, maskCell } from './cells.js';

/** Where the table's images are. */
export interface MadeImages {
  readonly out: string;
  readonly maskWeight: number;
}

/** Pairs that pictures show: the first ones of the table, unseen. */
export const SHOWN_PAIRS = 5;

/** Words below the pictures of a method. */
const LABELS: Readonly<Record<Method, string>> = {
  'text-only': 'text only',
  'mask-only': 'mask only',
  'fixed-mix': 'fixed mix',
  collaborative: 'collaborative',
  'collaborative-generate': 'as generate',
};

const made = ({ out, maskWeight }: MadeImages, method: Method, pair: Pair, sample: number): string =>
  imagePath(methodFolder(out, weighed(method, maskWeight)), { pair, sample });

/** Mask and text to image: mask, two images of both, and the face that mask and text are of. */
export const mainRows = (images: MadeImages, pairs: readonly Pair[]): Promise<SheetCell[][]> =>
  Promise.all(
    pairs.map(async (pair, row) =>
      Promise.all([
        maskCell(pair.face.mask!, `mask, text ${row + 1}`),
        fileCell(made(images, 'collaborative', pair, 0), 'collaborative'),
        fileCell(made(images, 'collaborative', pair, 1), 'other noise'),
        fileCell(made(images, 'collaborative-generate', pair, 0), 'as generate'),
        fileCell(pair.face.image, 'the real drawing'),
      ]),
    ),
  );

/** Every method from the same start noise. */
export const baselineRows = (images: MadeImages, pairs: readonly Pair[]): Promise<SheetCell[][]> =>
  Promise.all(
    pairs.map(async (pair, row) =>
      Promise.all([
        maskCell(pair.face.mask!, `mask, text ${row + 1}`),
        ...METHODS.map((method) => fileCell(made(images, method, pair, 0), LABELS[method])),
        fileCell(pair.face.image, 'the real drawing'),
      ]),
    ),
  );

/** An image as bytes, from an array of levels in [0,1]. @param values row by row [h w] */
export function greyImage(values: ArrayLike<number>, width: number): ByteImage {
  const bytes = new Uint8Array(values.length * 3);
  for (let i = 0; i < values.length; i++) bytes.fill(Math.round(255 * values[i]!), 3 * i, 3 * i + 3);
  return { values: bytes, width, height: values.length / width, channels: 3 };
}
