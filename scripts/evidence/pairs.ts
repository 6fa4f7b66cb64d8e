import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type HeldOutFace, heldOutFaces, synthesize } from '@codiff/trainer';
import type { StatusLine } from '../demo/status-line.js';
import { DRAWINGS } from '../pretrain/drawings.js';
import { EvidenceError } from './evidence-error.js';

/** A mask and a text that belong to one face no model was trained on. */
export interface Pair {
  /** Number of the pair among the held-out faces: decides its noise. */
  readonly index: number;
  readonly face: HeldOutFace;
}

/** The held-out faces, divided. */
export interface Pairs {
  /** What the table is about: the first of the held-out faces. */
  readonly test: readonly Pair[];
  /** What the weight of the fixed mix is chosen by: the last of them. None is in `test`. */
  readonly validation: readonly Pair[];
  /** Images of all held-out faces: what distances are against. */
  readonly reference: readonly string[];
}

/** Which faces are drawn: part of a set that a seed determines. */
export interface HeldOutSet {
  /** Number of the first held-out face in its set. */
  readonly first: number;
  readonly count: number;
  readonly seed: number;
}

/** The held-out faces of the set that the shipped weights were trained on. */
export const HELD_OUT: HeldOutSet = {
  first: DRAWINGS.faces - DRAWINGS.heldOut,
  count: DRAWINGS.heldOut,
  seed: DRAWINGS.seed,
};

/** Side of the images. */
const SIDE = DRAWINGS.size;

/** Draw the held-out faces alone, unless they are there: faces of a seed do not depend on each other. @param folder for them */
export async function drawHeldOut(folder: string, { first, count, seed }: HeldOutSet, line: StatusLine): Promise<void> {
  const summary = join(folder, 'synth.json');
  if (existsSync(summary)) {
    const found = JSON.parse(readFileSync(summary, 'utf8')) as { n: number; seed: number };
    const captions = existsSync(join(folder, 'image', `image_${SIDE}`, `${first}.jpg`));
    if (found.n === count && found.seed === seed && captions) return;
    throw new EvidenceError(`evidence: ${folder} holds other faces; remove it, and they are drawn`);
  }
  await synthesize({
    n: count,
    first,
    size: SIDE,
    seed,
    out: folder,
    onFace: (done) => line.show(`faces     ${done} of ${count} held-out faces drawn`),
  });
  line.done(`faces     ${count} held-out faces drawn`);
}

/**
 * Divide the held-out faces.
 * @param test pairs of the table; with those for validation no more than there are faces
 * @param validation pairs for the choice of the fixed mix; 0 where there is none to make
 */
export function dividePairs(folder: string, { test, validation }: { test: number; validation: number }): Pairs {
  const all = heldOutFaces(folder).map((face, index) => ({ index, face }));
  return {
    test: all.slice(0, test),
    validation: all.slice(all.length - validation),
    reference: all.map(({ face }) => face.image),
  };
}
