import { expect, it } from 'vitest';
import { resumedPlace } from './resumed-place.js';

const at = (batch: number) => ({ epoch: 3, batch, globalStep: 40, batches: 80 });

it('is the same place for the same number of processes', () => {
  expect(resumedPlace(at(5), 2, { processes: 2, accumulate: 2 })).toEqual({ progress: at(5), again: 0 });
});

it.each([
  // Two processes had 6 batches of two shares: four of three shares, twelve of one.
  [6, 2, 3, 1, 4, 0],
  [6, 2, 1, 1, 12, 0],
  // Five batches of two shares are three of three, and one share more.
  [5, 2, 3, 1, 3, 1],
  // Updates take two batches: 10 shares are two such of two shares each, and two more.
  [10, 1, 2, 2, 4, 2],
  [0, 4, 2, 2, 0, 0],
])(
  'batch %i of %i processes is, for %i processes and %i batches an update, batch %i (%i shares again)',
  (batch, before, processes, accumulate, expected, again) => {
    expect(resumedPlace(at(batch), before, { processes, accumulate })).toEqual({ progress: at(expected), again });
  },
);
