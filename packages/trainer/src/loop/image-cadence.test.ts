import { expect, it } from 'vitest';
import { type ImageCadence, imagesDue, startImageLog } from './image-cadence.js';

const cadence: ImageCadence = {
  batchFrequency: 10,
  maxImages: 4,
  increaseLogSteps: true,
  disabled: false,
  logFirstStep: false,
  logOnBatchIdx: false,
};

/** Steps of 0..n, two batches each, at which training images are logged. */
function loggedSteps(change: Partial<ImageCadence>, n = 31): number[] {
  const options = { ...cadence, ...change };
  let state = startImageLog(options);
  const steps: number[] = [];
  for (let batch = 0; batch <= 2 * n + 1; batch++) {
    const globalStep = Math.floor(batch / 2);
    const answer = imagesDue(options, state, { split: 'train', globalStep, batchIndex: batch });
    state = answer.state;
    if (answer.due) steps.push(globalStep);
  }
  return steps;
}

it('logs at powers of two up to the frequency, and at its multiples, once a step', () => {
  expect(loggedSteps({})).toEqual([1, 2, 4, 8, 10, 20, 30]);
});

it('logs at the multiples alone, and at step 0 if asked', () => {
  expect(loggedSteps({ increaseLogSteps: false })).toEqual([10, 20, 30]);
  expect(loggedSteps({ increaseLogSteps: false, logFirstStep: true })).toEqual([0, 10, 20, 30]);
});

it('never logs when disabled or with no images', () => {
  expect(loggedSteps({ disabled: true })).toEqual([]);
  expect(loggedSteps({ maxImages: 0 })).toEqual([]);
});

it('counts batches where told to, two of which are a step', () => {
  expect(loggedSteps({ increaseLogSteps: false, logOnBatchIdx: true })).toEqual([5, 10, 15, 20, 25, 30]);
});

it('logs one batch of a validation that falls on a due step', () => {
  let state = startImageLog(cadence);
  const due = [0, 1, 2].map((batchIndex) => {
    const answer = imagesDue(cadence, state, { split: 'val', globalStep: 20, batchIndex });
    state = answer.state;
    return answer.due;
  });
  expect(due).toEqual([true, false, false]);
});
