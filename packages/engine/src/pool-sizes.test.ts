import { expect, it } from 'vitest';
import { poolSizes } from './pool-sizes.js';

it.each([
  ['one branch takes all threads, and runs what is independent at once', [4, 1, false], [4, 4]],
  ['or one operation after the other', [4, 1, true], [4, 1]],
  ['two branches share four threads', [4, 2, true], [4, 2]],
  ['as many branches as threads: one each', [2, 2, true], [1, 2]],
  ['one thread', [1, 1, false], [1, 1]],
] as const)('%s', (_, [threads, branches, deterministic], [intraOpThreads, interOpThreads]) => {
  expect(poolSizes({ threads, branches, deterministic })).toEqual({ intraOpThreads, interOpThreads });
});
