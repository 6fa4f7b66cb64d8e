import { classIndex, parseCaption } from '@codiff/trainer';
import { expect, it } from 'vitest';
import { captionWords } from './cells.js';
import { grownHair, otherCaption } from './edit-targets.js';

it('grows hair into the background only, as far as it is told', () => {
  const [hair, skin] = [classIndex('hair'), classIndex('skin')];
  const values = new Uint8Array(9 * 9);
  values[4 * 9 + 4] = hair;
  values[4 * 9 + 5] = skin;
  const grown = grownHair({ values, width: 9, height: 9, channels: 1 }, 2).values;
  expect(grown[4 * 9 + 2]).toBe(hair);
  expect(grown[4 * 9 + 1]).toBe(0);
  expect(grown[4 * 9 + 5]).toBe(skin);
  expect(grown[4 * 9 + 6]).toBe(hair);
  expect(grown.filter((id) => id === hair)).toHaveLength(12);
  expect(values.filter((id) => id === hair)).toHaveLength(1);
});

it('asks for another age and beard of the same person', () => {
  const young = 'he is a teenager. there is no beard.';
  expect(parseCaption(otherCaption(young, 1))).toEqual({ gender: 'man', age: 'old', beard: 'long' });
  expect(parseCaption(otherCaption(otherCaption(young, 1), 1))).toEqual({ gender: 'man', age: 'young', beard: 'none' });
});

it('tells a caption in words that fit below a picture', () => {
  const words = [
    'he is in his forties. he has a long pointed beard.',
    'this woman looks very old. there is no beard.',
    'he is a teenager. there is no beard.',
  ].map(captionWords);
  expect(words).toEqual(['40s, pointed beard', 'woman, old', 'man, teen, no beard']);
});
