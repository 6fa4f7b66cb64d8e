import { expect, it } from 'vitest';
import { BEGINNING } from '../checkpoint/progress.js';
import { Forecaster } from './forecaster.js';

const at = (batches: number, globalStep = batches) => ({ epoch: 0, batch: batches, globalStep, batches });

it('goes by whichever limit comes first', () => {
  const of = (limits: object) => new Forecaster({ limits, batchesPerEpoch: 10, accumulate: 1 });
  expect(of({ maxEpochs: 2, maxSteps: 50 }).at(at(5), 5, 1)).toEqual({ done: 0.25, left: 3 });
  expect(of({ maxEpochs: 2, maxSteps: 10 }).at(at(5), 5, 1)).toEqual({ done: 0.5, left: 1 });
  expect(of({ maxEpochs: 2, maxSeconds: 2 }).at(at(5), 5, 1)).toEqual({ done: 0.5, left: 1 });
  expect(of({}).at(at(5), 5, 1)).toEqual({ done: null, left: null });
});

it('counts the batches of a step, and evens out the pace', () => {
  const forecaster = new Forecaster({ limits: { maxSteps: 4 }, batchesPerEpoch: 3, accumulate: 2 });
  expect(forecaster.at(BEGINNING, 1, 0)).toEqual({ done: 0, left: 6 });
  expect(forecaster.at(at(3, 2), 0.5, 3).left).toBeCloseTo(3 * 1.3, 9);
});
