import { expect, it } from 'vitest';
import { type BestOptions, type Ranked, rank } from './best.js';

function after(scores: readonly number[], options: BestOptions) {
  let best: readonly Ranked[] = [];
  const dropped: string[] = [];
  scores.forEach((score, i) => {
    const answer = rank(best, { file: String(i), score }, options);
    best = answer.best;
    if (!answer.kept) dropped.push(String(i));
    dropped.push(...answer.dropped.map(({ file }) => file));
  });
  return { best: best.map(({ file }) => file), dropped };
}

it('keeps the smallest scores, best first', () => {
  expect(after([3, 1, 2, 5, 0], { keep: 3, mode: 'min' })).toEqual({ best: ['4', '1', '2'], dropped: ['3', '0'] });
});

it('keeps the largest, all, or none', () => {
  expect(after([3, 1, 2], { keep: 2, mode: 'max' }).best).toEqual(['0', '2']);
  expect(after([3, 1, 2], { keep: -1, mode: 'min' })).toEqual({ best: ['1', '2', '0'], dropped: [] });
  expect(after([3, 1, 2], { keep: 0, mode: 'min' })).toEqual({ best: [], dropped: ['0', '1', '2'] });
});

it('takes a score that is not finite for the worst, and of equal ones the older', () => {
  expect(after([Number.NaN, 1, Number.POSITIVE_INFINITY, 1], { keep: 2, mode: 'min' }).best).toEqual(['1', '3']);
  expect(after([1, 1, 1], { keep: 2, mode: 'max' }).best).toEqual(['0', '1']);
});

it('takes the new score of a file that is written anew', () => {
  const { best } = rank(
    [
      { file: 'a', score: 1 },
      { file: 'b', score: 2 },
    ],
    { file: 'a', score: 3 },
    { keep: 2, mode: 'min' },
  );
  expect(best).toEqual([
    { file: 'b', score: 2 },
    { file: 'a', score: 3 },
  ]);
});
