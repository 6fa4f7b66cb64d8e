import { FACE_CLASSES } from '../classes.js';
import { DataError } from '../data-error.js';
import { decodeImage } from '../decode-image.js';
import { readMaskPng } from '../mask-png.js';
import { labelsOf, readOneHot } from '../one-hot.js';
import type { Pixels } from '../pixels.js';
import { listFiles, stemOf } from './list-files.js';

/** Masks by image, whatever their form on disk. */
export interface MaskSource {
  /** `parts`: one picture a part; `png`: one a face; `tensor`: the training form. */
  readonly form: 'parts' | 'png' | 'tensor';
  has(stem: string): boolean;
  /** @returns class ids [H,W,1] @throws DataError naming the file */
  read(stem: string): Promise<Pixels>;
}

const PART = new RegExp(
  `^(\\d+)_(${FACE_CLASSES.slice(1)
    .map(({ name }) => name)
    .join('|')})$`,
);

/**
 * Find masks in a folder and its subfolders: CelebAMask-HQ's parts (`00001_l_brow.png`, of image 1), PNGs of one face each
 * (palette, grey or coloured), or tensors of the training form.
 * @throws DataError where there are none
 */
export function findMasks(folder: string): MaskSource {
  const files = listFiles(folder, ['.png', '.pt'], 'masks');
  const parts = files.filter((path) => PART.test(stemOf(path)));
  if (parts.length > 0) return partMasks(parts);
  const pictures = files.filter((path) => path.toLowerCase().endsWith('.png'));
  const form = pictures.length > 0 ? 'png' : 'tensor';
  const byStem = new Map((form === 'png' ? pictures : files).map((path) => [stemOf(path), path]));
  return {
    form,
    has: (stem) => byStem.has(stem),
    read: async (stem) => {
      const path = byStem.get(stem)!;
      if (form === 'png') return readMaskPng(path);
      return { height: 32, width: 32, channels: 1, values: labelsOf(await readOneHot(path)) };
    },
  };
}

function partMasks(files: readonly string[]): MaskSource {
  const byStem = new Map<string, Map<string, string>>();
  for (const path of files) {
    const [, number, part] = PART.exec(stemOf(path))!;
    // 00001_skin.png belongs to 1.jpg.
    const stem = String(Number(number));
    if (!byStem.has(stem)) byStem.set(stem, new Map());
    byStem.get(stem)!.set(part!, path);
  }
  const partsOf = (stem: string) => byStem.get(/^\d+$/.test(stem) ? String(Number(stem)) : stem);
  return { form: 'parts', has: (stem) => partsOf(stem) !== undefined, read: (stem) => paintParts(partsOf(stem)!) };
}

/** Paint the parts over each other in the order of the classes, as CelebAMask-HQ's own script does: the last one wins. */
async function paintParts(parts: ReadonlyMap<string, string>): Promise<Pixels> {
  let mask: Pixels | undefined;
  for (const [id, { name }] of FACE_CLASSES.entries()) {
    const path = parts.get(name);
    if (path === undefined) continue;
    const { width, height, inside } = await readPart(path);
    mask ??= { width, height, channels: 1, values: new Uint8Array(width * height) };
    if (mask.width !== width || mask.height !== height) {
      const problem = `${width} x ${height} pixels, the other parts of this face have ${mask.width} x ${mask.height}`;
      throw new DataError({ file: path, problem, advice: 'replace the file' });
    }
    for (let i = 0; i < inside.length; i++) if (inside[i]) mask.values[i] = id;
  }
  return mask!;
}

/** Where a part is: any value above half of the range. */
async function readPart(path: string): Promise<{ width: number; height: number; inside: Uint8Array }> {
  const { width, height, values } = await decodeImage(path);
  return { width, height, inside: Uint8Array.from({ length: width * height }, (_, i) => +(values[3 * i]! > 127)) };
}
