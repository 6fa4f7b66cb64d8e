import { expect, it } from 'vitest';
import { classInfluence, meanInfluence } from './class-influence.js';

// Two steps of a 2 x 3 map; labels 0 0 4 / 4 4 0.
const maps = {
  values: Float32Array.from([0, 0.5, 1, 0.25, 0.25, 1, 0.5, 0.5, 0, 0, 0.75, 0.5]),
  shape: [2, 2, 3, 1] as const,
};
const labels = Uint8Array.from([0, 0, 4, 4, 4, 0]);

it('is the mean over the pixels of a class, and leaves out classes that are not there', () => {
  expect(classInfluence(maps, labels)).toEqual([
    { label: 0, pixels: 3, means: [0.5, 0.5] },
    { label: 4, pixels: 3, means: [0.5, 0.25] },
  ]);
  expect(meanInfluence(maps)).toEqual([0.5, 0.375]);
  expect(meanInfluence({ values: new Float32Array(), shape: [0, 2, 3, 1] })).toEqual([]);
});

it('refuses labels of another size, and images', () => {
  expect(() => classInfluence(maps, new Uint8Array(4))).toThrow(/4 labels for maps of 2x3/);
  expect(() => classInfluence({ ...maps, shape: [2, 1, 2, 3] }, new Uint8Array(2))).toThrow(/one channel/);
});
