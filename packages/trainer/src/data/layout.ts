import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DataError } from './data-error.js';

/** Where a data set of the training form has its parts, below its root (original, section 7). */
export const LAYOUT = {
  image: (size: number | string) => `image/image_${size}`,
  text: 'text/captions_hq_beard_and_age_2022-08-19.json',
  mask: 'mask/CelebAMask-HQ-mask-color-palette_32_nearest_downsampled_from_hq_512_one_hot_2d_tensor',
  sketch: 'sketch/sketch_1x1024_tensor',
  /** Masks as palette PNGs at the images' size: what generation takes as its input. Training does not read them. */
  maskPng: (size: number | string) => `mask_png_${size}`,
} as const;

/** The parts of a data set on disk. */
export interface DatasetFolders {
  readonly imageFolder: string;
  readonly textFile: string;
  readonly maskFolder?: string;
  readonly sketchFolder?: string;
}

/**
 * Find the parts of a data set below its root: one folder under `image/`, one file under `text/`, and where they exist one
 * folder each under `mask/` and `sketch/`.
 * @throws DataError naming what is missing
 */
export function findFolders(root: string): DatasetFolders {
  const maskFolder = only(root, 'mask', false);
  const sketchFolder = only(root, 'sketch', false);
  return {
    imageFolder: only(root, 'image', true)!,
    textFile: only(root, 'text', true)!,
    ...(maskFolder === undefined ? {} : { maskFolder }),
    ...(sketchFolder === undefined ? {} : { sketchFolder }),
  };
}

function only(root: string, part: string, needed: boolean): string | undefined {
  const folder = join(root, part);
  const there = existsSync(folder) && statSync(folder).isDirectory();
  const names = there ? readdirSync(folder).filter((name) => !name.startsWith('.')) : [];
  if (names.length === 1) return join(folder, names[0]!);
  if (names.length === 0 && !needed) return undefined;
  const found = names.length === 0 ? 'nothing' : `${names.length} entries (${names.slice(0, 3).join(', ')})`;
  throw new DataError({
    file: folder,
    problem: `${found}, one ${part === 'text' ? 'captions file' : 'folder'} was wanted`,
    advice: "give the root of a data set, such as 'codiff dataset synth' or 'codiff dataset prepare' writes",
  });
}
