import { expect, it } from 'vitest';
import { formatGroups, groupKeys } from './key-groups.js';

it('splits at dots while that leaves few groups', () => {
  const keys = ['betas', 'alphas', 'model.unet.a', 'model.unet.b', 'model.vae.c', 'first.x.y'];
  expect(groupKeys(keys, 4).map(({ prefix, keys: members }) => [prefix, members.length])).toEqual([
    ['(no prefix)', 2],
    ['model.unet.*', 2],
    ['model.vae.c', 1],
    ['first.x.y', 1],
  ]);
  expect(groupKeys(keys, 3).map(({ prefix }) => prefix)).toEqual(['(no prefix)', 'model.*', 'first.x.y']);
});

it('stays short for thousands of groups', () => {
  const text = formatGroups(Array.from({ length: 5000 }, (_, i) => `p${i}.w`));
  expect(text.length).toBeLessThan(500);
  expect(text).toContain('and 4980 more groups');
});
