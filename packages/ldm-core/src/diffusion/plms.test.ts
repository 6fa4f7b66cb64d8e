import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, useCpu } from '../../test/support.js';
import { ddimTimesteps } from './ddim-schedule.js';
import type { Denoise } from './denoise.js';
import { samplePlms } from './plms.js';
import { makeSchedule } from './schedule.js';

beforeAll(useCpu);

const schedule = makeSchedule({ linearStart: 0.0015, linearEnd: 0.0195 });
const one = (value: number) => tf.fill<tf.Rank.R4>([1, 1, 1, 1], value);

describe('samplePlms', () => {
  it.each([
    [4, [751, 501, 501, 251, 1]],
    [2, [501, 1, 1]],
    // Of a single step, the step ahead is the step itself.
    [1, [1, 1]],
  ])('%s steps: asks the model at these times', async (steps, wanted) => {
    const calls: [number, number][] = [];
    const denoise: Denoise = (x, t, { call }) => {
      calls.push([t, call]);
      return tf.zerosLike(x);
    };
    await samplePlms(denoise, one(1), { schedule, steps });
    expect(calls.map(([t]) => t)).toEqual(wanted);
    expect(calls.map(([, call]) => call)).toEqual(wanted.map((_, i) => (i === 1 ? 1 : 0)));
  });

  it('combines the last four predictions as computed by hand', async () => {
    // The model answers with what cannot be guessed from x, so each step shows which answers it used.
    const answers = [0.3, -0.2, 0.7, 0.1, -0.5, 0.9, 0.4];
    let next = 0;
    const seen: number[] = [];
    const z = await samplePlms(() => one(answers[next++]!), one(0.5), {
      schedule,
      steps: 5,
      onStep: ({ x }) => {
        seen.push(x.dataSync()[0]!);
      },
    });
    const [e0, ahead, e1, e2, e3, e4] = answers as [number, number, number, number, number, number];
    const combined = [
      (e0 + ahead) / 2,
      (3 * e1 - e0) / 2,
      (23 * e2 - 16 * e1 + 5 * e0) / 12,
      (55 * e3 - 59 * e2 + 37 * e1 - 9 * e0) / 24,
      (55 * e4 - 59 * e3 + 37 * e2 - 9 * e1) / 24,
    ];
    const times = [...ddimTimesteps(1000, 5), 0].sort((a, b) => b - a);
    let x = 0.5;
    for (const [i, eps] of combined.entries()) {
      const [now, prev] = [schedule.alphasCumprod[times[i]!]!, schedule.alphasCumprod[times[i + 1]!]!];
      x = Math.sqrt(prev) * ((x - Math.sqrt(1 - now) * eps) / Math.sqrt(now)) + Math.sqrt(1 - prev) * eps;
      expect(seen[i]).toBeCloseTo(x, 4);
    }
    expectClose(z, [x], 1e-4);
    expect(next).toBe(6);
  });

  it('looks ahead from where the first step leads', async () => {
    const inputs: number[] = [];
    const denoise: Denoise = (x) => {
      inputs.push(x.dataSync()[0]!);
      return one(0.25);
    };
    await samplePlms(denoise, one(0.5), { schedule, steps: 2 });
    const [now, prev] = [schedule.alphasCumprod[501]!, schedule.alphasCumprod[1]!];
    const trial = Math.sqrt(prev) * ((0.5 - Math.sqrt(1 - now) * 0.25) / Math.sqrt(now)) + Math.sqrt(1 - prev) * 0.25;
    expect(inputs[0]).toBe(0.5);
    expect(inputs[1]).toBeCloseTo(trial, 5);
    // The answers were equal, so the step itself leads there too.
    expect(inputs[2]).toBeCloseTo(trial, 5);
  });
});
