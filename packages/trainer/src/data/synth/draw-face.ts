import type { Pixels } from '../pixels.js';
import { type CaptionFacts, drawFacts } from './facts.js';
import { layersOf } from './layers.js';
import { paintImage, paintMask } from './paint.js';

/** One drawn face in memory. */
export interface DrawnFace {
  /** [size,size,3] */
  readonly image: Pixels;
  /** Class ids [size,size,1]. */
  readonly mask: Pixels;
  readonly facts: CaptionFacts;
}

/** Draw face `index` of a seed, the one that a set of drawn faces of this seed has there (which stores it as JPEG). */
export async function drawFace(seed: number, index: number, size: number): Promise<DrawnFace> {
  const facts = drawFacts(seed, index);
  const layers = layersOf(facts);
  const [image, mask] = await Promise.all([paintImage(facts, layers, size), paintMask(facts, layers, size)]);
  return { image, mask, facts: { gender: facts.gender, age: facts.age, beard: facts.beard } };
}
