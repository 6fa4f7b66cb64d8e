import {
  type CaptionFacts,
  classIndex,
  MASK_SIDE,
  oneHot,
  type Pixels,
  parseCaption,
  readMaskPng,
  resize,
  seededDraws,
  writeCaption,
} from '@codiff/trainer';
import type { Pair } from '../pairs.js';

/** Least share of an image that is hair, where hair is to grow. */
const LEAST_HAIR = 0.08;
/** Pixels by which the hair grows. */
const GROWTH = 4;

/** The face that is edited, and what it is to become. */
export interface EditTargets {
  readonly pair: Pair;
  /** In lower case. */
  readonly caption: string;
  /** Class ids at the image's size. */
  readonly mask: Pixels;
  /** The same as the model reads it [19,1024]. */
  readonly condition: Int32Array<ArrayBuffer>;
}

/** The caption of the same person at another age, a man with a beard where he had none, and the other way round. */
export function otherCaption(caption: string, seed: number): string {
  const { gender, age, beard } = parseCaption(caption);
  const facts: CaptionFacts = {
    gender,
    age: age === 'old' || age === 'sixties' ? 'young' : 'old',
    beard: gender === 'woman' ? 'none' : beard === 'none' ? 'long' : 'none',
  };
  return writeCaption(facts, seededDraws(seed, 'edit')).Beard_and_Age.toLowerCase();
}

/** A mask whose hair has grown into the background around it. @param mask class ids [H,W,1] */
export function grownHair(mask: Pixels, pixels = GROWTH): Pixels {
  const { width, height, values } = mask;
  const [hair, background] = [classIndex('hair'), classIndex('background')];
  const isHairNear = (x: number, y: number): boolean => {
    for (let dy = -pixels; dy <= pixels; dy++) {
      for (let dx = -pixels; dx <= pixels; dx++) {
        const [u, v] = [x + dx, y + dy];
        const near = dx * dx + dy * dy <= pixels * pixels && u >= 0 && u < width && v >= 0 && v < height;
        if (near && values[v * width + u] === hair) return true;
      }
    }
    return false;
  };
  const grown = Uint8Array.from(values, (id, i) =>
    id === background && isHairNear(i % width, Math.floor(i / width)) ? hair : id,
  );
  return { ...mask, values: grown };
}

/** The edit of the first pair with much hair and no hat; of the first of all where there is none. */
export async function editTargets(pairs: readonly Pair[], seed: number): Promise<EditTargets> {
  const [hair, hat] = [classIndex('hair'), classIndex('hat')];
  const masks = await Promise.all(pairs.map(({ face }) => readMaskPng(face.mask!)));
  const share = ({ values }: Pixels, id: number) => values.filter((value) => value === id).length / values.length;
  const at = Math.max(
    0,
    masks.findIndex((mask) => share(mask, hair) >= LEAST_HAIR && share(mask, hat) === 0),
  );
  const mask = grownHair(masks[at]!);
  return {
    pair: pairs[at]!,
    caption: otherCaption(pairs[at]!.face.caption, seed),
    mask,
    condition: oneHot(resize(mask, MASK_SIDE, MASK_SIDE, 'nearest').values),
  };
}
