import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { eachRel, readNumbers } from '../../test/number-fixture.js';
import { readConfig } from '../../test/parity-case.js';
import { useCpu } from '../../test/support.js';
import { sampleDdim } from './ddim.js';
import { countSteps, type Discretization, ddimTimesteps, makeDdimSchedule, requireWalkable } from './ddim-schedule.js';
import { replayNoise } from './noise-source.js';
import { makeSchedule } from './schedule.js';

beforeAll(useCpu);

const schedule = makeSchedule({ betaSchedule: 'linear', linearStart: 0.0015, linearEnd: 0.0195, timesteps: 1000 });

/** Steps of 1..500 whose uniform table would end in T = 1000 (quirk 4). */
const ENDS_IN_T = (steps: number) => 999 % Math.floor(1000 / steps) === 0;

describe('makeDdimSchedule against the original', () => {
  const outputs = readNumbers('ddim_schedule/outputs.safetensors');
  const { settings } = readConfig('ddim_schedule') as {
    settings: Record<string, { S: number; eta: number; discretize: Discretization }>;
  };

  it.each(Object.entries(settings))('%s', (name, { S, eta, discretize }) => {
    const table = makeDdimSchedule(schedule, { steps: S, eta, discretize });
    const wanted = (key: string) => outputs.get(`${name}.ddim_${key}`)!;
    expect([...table.timesteps]).toEqual([...wanted('timesteps')]);
    for (const [key, values] of Object.entries({
      alphas: table.alphas,
      alphas_prev: table.alphasPrev,
      sigmas: table.sigmas,
      sqrt_one_minus_alphas: table.sqrtOneMinusAlphas,
    })) {
      expect(eachRel(values, wanted(key))).toBeLessThanOrEqual(1e-6);
    }
  });
});

describe('ddimTimesteps', () => {
  it('takes 1..500 and 1000 of 1000, never asks for T, and refuses the rest', () => {
    const crashed: number[] = [];
    for (let steps = 1; steps <= 1000; steps++) {
      if (steps > 500 && steps < 1000) {
        expect(() => ddimTimesteps(1000, steps)).toThrow(`steps is ${steps}, wanted an integer from 1 to 500, or 1000`);
        continue;
      }
      const timesteps = ddimTimesteps(1000, steps);
      const stride = Math.floor(1000 / steps);
      const original = Array.from({ length: Math.ceil(1000 / stride) }, (_, i) => i * stride + 1);
      if (ENDS_IN_T(steps)) crashed.push(steps);
      expect([...timesteps]).toEqual(ENDS_IN_T(steps) ? [...original.slice(0, -1), 999] : original);
      expect(timesteps.length).toBeGreaterThanOrEqual(steps);
      expect(countSteps(1000, steps)).toBe(timesteps.length);
    }
    const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
    expect(crashed).toEqual([3, 9, 27, 36, 37, ...range(101, 111), ...range(251, 333), 1000]);
  });

  it('says how many steps it takes where that is not what was asked', () => {
    expect([countSteps(1000, 50), countSteps(1000, 30), countSteps(1000, 7)]).toEqual([50, 31, 8]);
    expect(countSteps(1000, 1000)).toBe(1000);
  });

  it('keeps within the schedule for every length and count', () => {
    for (let trainSteps = 2; trainSteps <= 40; trainSteps++) {
      for (let steps = 1; steps <= trainSteps; steps++) {
        for (const discretize of ['uniform', 'quad'] as const) {
          if (discretize === 'uniform' && steps > trainSteps / 2 && steps < trainSteps) continue;
          const timesteps = ddimTimesteps(trainSteps, steps, discretize);
          expect(Math.min(...timesteps)).toBe(1);
          expect(Math.max(...timesteps)).toBeLessThan(trainSteps);
          expect([...timesteps]).toEqual([...timesteps].sort((a, b) => a - b));
        }
      }
    }
  });

  it.each([0, -1, 2.5, 1001, Number.NaN])('refuses %s steps', (steps) => {
    expect(() => ddimTimesteps(1000, steps)).toThrow(RangeError);
    if (steps !== 1001) expect(() => ddimTimesteps(1000, steps, 'quad')).toThrow('from 1 to 1000000');
  });

  it('gives quad the counts that uniform cannot', () => {
    expect(ddimTimesteps(1000, 600, 'quad')).toHaveLength(600);
    expect([...ddimTimesteps(1000, 1, 'quad')]).toEqual([1]);
    expect([...ddimTimesteps(1000, 3, 'quad')]).toEqual([1, 201, 801]);
    // l = √8 i/11, so l² is 8 i²/121; (√8)² is a little above 8 in float64, as in NumPy.
    expect([...ddimTimesteps(10, 12, 'quad')]).toEqual([1, 1, 1, 1, 2, 2, 3, 4, 5, 6, 7, 9]);
    expect(() => ddimTimesteps(1000, 2e9, 'quad')).toThrow(RangeError);
  });
});

describe('makeDdimSchedule', () => {
  it('ends at the first alpha, not at 1', () => {
    const { alphasPrev } = makeDdimSchedule(schedule, { steps: 10 });
    expect(alphasPrev[0]).toBe(Math.fround(schedule.alphasCumprod[0]!));
  });

  it('adds nothing in the step of length 0 that a full run begins with', () => {
    const { timesteps, sigmas } = makeDdimSchedule(schedule, { steps: 1000, eta: 1 });
    expect([timesteps[998], timesteps[999]]).toEqual([999, 999]);
    expect(sigmas[999]).toBe(0);
  });

  it('refuses a negative eta', () => {
    expect(() => makeDdimSchedule(schedule, { steps: 10, eta: -1 })).toThrow('eta is -1');
    expect(() => makeDdimSchedule(schedule, { steps: 10, eta: Number.NaN })).toThrow('eta is NaN');
  });

  it('gives the numbers of any other eta: sigma is proportional to it', () => {
    const [one, three] = [1, 3].map((eta) => makeDdimSchedule(schedule, { steps: 10, eta }));
    three!.sigmas.forEach((sigma, i) => {
      expect(sigma).toBeCloseTo(3 * one!.sigmas[i]!, 12);
    });
  });
});

describe('requireWalkable', () => {
  it('refuses a schedule that leaves nothing of x_0 in float32', () => {
    const steep = makeSchedule({ betaSchedule: 'sqrt', linearStart: 0.0015, linearEnd: 0.0195, timesteps: 1000 });
    expect(() => requireWalkable(makeDdimSchedule(steep, { steps: 10, discretize: 'uniform' }))).not.toThrow();
    expect(() => requireWalkable(makeDdimSchedule(steep, { steps: 500 }))).toThrow('at t 99');
  });

  it('refuses an eta that asks for more noise than there is, and takes every eta up to 1', () => {
    for (const steps of [1, 2, 10, 50, 333, 1000]) {
      for (const discretize of ['uniform', 'quad'] as const) {
        expect(() => requireWalkable(makeDdimSchedule(schedule, { steps, eta: 1, discretize }))).not.toThrow();
      }
    }
    expect(() => requireWalkable(makeDdimSchedule(schedule, { steps: 10, eta: 30 }))).toThrow(
      'use an eta of at most 1',
    );
  });

  it('is what samplers ask', async () => {
    const options = { schedule, steps: 10, eta: 30, noise: replayNoise([]) };
    const xT = tf.zeros<tf.Rank.R4>([1, 2, 2, 1]);
    await expect(sampleDdim((x) => tf.clone(x), xT, options)).rejects.toThrow('use an eta of at most 1');
  });
});
