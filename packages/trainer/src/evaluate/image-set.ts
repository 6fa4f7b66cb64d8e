import { existsSync, readdirSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { decodeImage } from '../data/decode-image.js';
import type { Pixels } from '../data/pixels.js';
import { EvaluationError } from './evaluation-error.js';

const ENDINGS = new Set(['.png', '.jpg', '.jpeg']);

/** An image of a set, with what belongs to it. */
export interface ImageEntry {
  readonly path: string;
  /** The mask that it should show: a picture of class ids, or a one-hot tensor (.pt). */
  readonly mask?: string;
  /** Without a mask: an image of the same face, whose parsed classes are what this one should show. */
  readonly likeness?: string;
  /** The caption that it should show, in lower case. */
  readonly caption?: string;
  /** The image that it is an edit of. */
  readonly original?: string;
  /** Images of one number share mask and caption. Default: each has its own. */
  readonly condition?: number;
}

/**
 * Images of a folder, by name in the order of the numbers in it; other files are left alone.
 * @param what for errors: '--images'
 * @throws EvaluationError if there is no such folder, or no image in it
 */
export function listImages(folder: string, what: string): string[] {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    throw new EvaluationError(`${what}: ${folder} is no folder; wanted one of PNG or JPEG images`);
  }
  const names = readdirSync(folder).filter((name) => ENDINGS.has(extname(name).toLowerCase()) && !name.startsWith('.'));
  if (names.length === 0) throw new EvaluationError(`${what}: ${folder} holds no image; wanted PNG or JPEG files`);
  const inOrder = new Intl.Collator('en', { numeric: true });
  return names.sort(inOrder.compare).map((name) => join(folder, name));
}

/**
 * Decode images, which must have one size.
 * @param size of earlier ones
 * @throws EvaluationError naming two images of different sizes; DataError for a damaged file
 */
export async function readAlike(paths: readonly string[], first?: { path: string; pixels: Pixels }): Promise<Pixels[]> {
  const images = await Promise.all(paths.map((path) => decodeImage(path)));
  const [path, model] = first ? [first.path, first.pixels] : [paths[0]!, images[0]!];
  const other = images.findIndex(({ width, height }) => width !== model.width || height !== model.height);
  if (other < 0) return images;
  const size = ({ width, height }: Pixels) => `${width}x${height}`;
  throw new EvaluationError(
    `images of mixed sizes: ${paths[other]} is ${size(images[other]!)}, ${path} is ${size(model)}; bring them to one size first, e.g. with 'codiff dataset prepare --size'`,
  );
}
