import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { synthesize } from '@codiff/trainer';
import { PretrainError } from './pretrain-error.js';

const ROOT = 'dataset/drawings';

/** The drawn faces that the shipped weights are trained on. Paths are from the repository's root. */
export const DRAWINGS = {
  root: ROOT,
  images: `${ROOT}/image/image_64`,
  captions: `${ROOT}/text/captions_hq_beard_and_age_2022-08-19.json`,
  masks: `${ROOT}/mask/CelebAMask-HQ-mask-color-palette_32_nearest_downsampled_from_hq_512_one_hot_2d_tensor`,
  /** Faces, the held-out ones included. */
  faces: 9000,
  /** Side in pixels. */
  size: 64,
  seed: 7,
  /** The last so many are held out. */
  heldOut: 1000,
} as const;

/** The words after `codiff` that draw them. */
export function drawCommand(): string[] {
  const { faces, size, seed, root } = DRAWINGS;
  return ['dataset', 'synth', '--n', String(faces), '--size', String(size), '--seed', String(seed), '--out', root];
}

/**
 * Draw them, unless they are there. They appear whole or not at all.
 * @param root the repository @returns whether they were drawn now
 * @throws PretrainError if the folder holds other drawings
 */
export async function drawDrawings(root: string, onFace: (done: number) => void): Promise<boolean> {
  const { faces: n, size, seed, root: folder } = DRAWINGS;
  const out = join(root, folder);
  if (!existsSync(out)) {
    await synthesize({ n, size, seed, out, onFace });
    return true;
  }
  const summary = join(out, 'synth.json');
  const found = existsSync(summary) ? (JSON.parse(readFileSync(summary, 'utf8')) as Record<string, unknown>) : {};
  if (found.n === n && found.size === size && found.seed === seed) return false;
  throw new PretrainError(
    `${folder} holds other drawings (n ${String(found.n)}, size ${String(found.size)}, seed ${String(found.seed)}); ` +
      `wanted n ${n}, size ${size}, seed ${seed}: move it away, and they are drawn`,
  );
}
