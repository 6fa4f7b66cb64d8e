import { expect, it } from 'vitest';
import { explicitSwitches, isOverride } from './overrides.js';

it.each([
  ['train -b a.yaml -t model.params.x=1', 'train -b a.yaml -t true model.params.x=1'],
  ['train --dry-run a=1 --strict b.c=2', 'train --dry-run true a=1 --strict true b.c=2'],
  ['train -t --scale-lr a.b=1', 'train -t --scale-lr true a.b=1'],
  ['train -t false a.b=1 -d', 'train -t false a.b=1 -d'],
  ['train --name a.b=1', 'train --name a.b=1'],
  ['generate -t a.b=1', 'generate -t a.b=1'],
])('%s', (given, wanted) => {
  expect(explicitSwitches(given.split(' '))).toEqual(wanted.split(' '));
});

it.each([
  ['a.b.c=value', true],
  ['seed=', true],
  ['configs/a=1.yaml', false],
  ['--seed=3', false],
  ['true', false],
])('%s is an override: %s', (word, answer) => {
  expect(isOverride(word)).toBe(answer);
});
