import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectTensors, useCpu } from '../test/support.js';
import { influenceSchedules, scheduleFactor } from './influence-schedule.js';

beforeAll(useCpu);

const at = (schedule: (typeof influenceSchedules)[number], ...t: number[]) =>
  scheduleFactor(schedule, tf.tensor1d(t, 'int32')).dataSync()[0]!;

describe.each(influenceSchedules)('%s', (schedule) => {
  it('is 1 at t = 1000, a half at 500 and 0 at 0', () => {
    expect(at(schedule, 1000)).toBeCloseTo(1, 6);
    expect(at(schedule, 500)).toBeCloseTo(0.5, 6);
    expect(at(schedule, 0)).toBe(0);
  });

  it('rises with t', () => {
    const values = [0, 1, 20, 250, 700, 981, 1000].map((t) => at(schedule, t));
    expect(values).toEqual([...values].sort((a, b) => a - b));
  });

  it('reads the first t of a batch', () => {
    expect(at(schedule, 650, 20)).toBe(at(schedule, 650));
  });
});

it('is the formula of the original, to float32, also where its cosine cancels', () => {
  for (const t of [1, 21, 301, 650, 981]) {
    expect(at('linear_decay', t)).toBe(Math.fround(t / 1000));
    const wanted = (Math.cos((1 - t / 1000) * Math.PI) + 1) / 2;
    expect(Math.abs(at('cosine_decay', t) / wanted - 1)).toBeLessThan(1e-6);
  }
});

it('leaves nothing behind', () =>
  expectTensors(0, () => tf.tidy(() => tf.dispose(scheduleFactor('cosine_decay', tf.tensor1d([3], 'int32'))))));
