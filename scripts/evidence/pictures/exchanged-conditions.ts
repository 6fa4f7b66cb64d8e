import type { SheetCell } from '@codiff/codiff';
import type { WantedImage } from '../method-samplers.js';
import type { Pair } from '../pairs.js';
import type { Session } from '../session.js';
import { captionWords, cell, maskCell } from './cells.js';

/** Texts or masks that one condition is shown with. */
const OTHERS = 5;

/** Pairs whose captions tell different things, in order; where there are too few, others too. */
export function differentCaptions(pairs: readonly Pair[], count: number): Pair[] {
  const first = new Map<string, Pair>();
  for (const pair of pairs) {
    const words = captionWords(pair.face.caption);
    if (!first.has(words)) first.set(words, pair);
  }
  const chosen = [...first.values()].slice(0, count);
  return [...chosen, ...pairs.filter((pair) => !chosen.includes(pair))].slice(0, count);
}

/**
 * One mask with five texts, and one text with five masks, all from one start noise.
 * @returns the rows of both sheets
 */
export async function exchangedConditions({
  samplers,
  pairs: { test },
  sampling,
  signal,
}: Pick<Session, 'samplers' | 'pairs' | 'sampling' | 'signal'>): Promise<{
  readonly sameMask: SheetCell[][];
  readonly sameText: SheetCell[][];
}> {
  const [own, ...others] = test;
  const texts = differentCaptions(test, OTHERS);
  const masks = others.slice(0, OTHERS);
  const wanted = (mask: Pair, text: Pair): WantedImage => ({
    pair: own!.index,
    sample: 0,
    caption: text.face.caption,
    condition: mask.face.condition!,
  });
  const collaborative = { method: 'collaborative' } as const;
  const sample = (images: readonly WantedImage[]) => samplers.sample(collaborative, images, sampling, { signal });
  const ofTexts = await sample(texts.map((text) => wanted(own!, text)));
  const ofMasks = await sample(masks.map((mask) => wanted(mask, own!)));
  return {
    sameMask: [
      [
        await maskCell(own!.face.mask!, 'the mask'),
        ...texts.map(({ face }, i) => cell(ofTexts[i]!, captionWords(face.caption))),
      ],
    ],
    sameText: [
      await Promise.all(masks.map(({ face }, i) => maskCell(face.mask!, `mask ${i + 1}`))),
      ofMasks.map((image, i) => cell(image, `with mask ${i + 1}`)),
    ],
  };
}
