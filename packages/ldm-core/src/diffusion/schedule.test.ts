import { describe, expect, it } from 'vitest';
import { eachRel, readNumbers } from '../../test/number-fixture.js';
import { type BetaScheduleName, betaScheduleNames, makeBetas } from './betas.js';
import { makeSchedule, scheduleBuffers } from './schedule.js';

const LDM = { betaSchedule: 'linear', linearStart: 0.0015, linearEnd: 0.0195, timesteps: 1000 } as const;

describe('makeSchedule against the original', () => {
  const outputs = readNumbers('schedule/outputs.safetensors');

  it('gives the 13 buffers within 1e-6 of each element', () => {
    const buffers = scheduleBuffers(makeSchedule(LDM));
    expect([...buffers.keys()].sort()).toEqual([...outputs.keys()].filter((name) => !name.endsWith('_f64')).sort());
    for (const [name, values] of buffers) {
      expect([name, values.constructor]).toEqual([name, Float32Array]);
      expect(eachRel(values, outputs.get(name)!)).toBeLessThanOrEqual(1e-6);
    }
  });

  it.each<[BetaScheduleName, string, number]>([
    ['linear', 'betas_f64', 1e-12],
    ['sqrt_linear', 'other.sqrt_linear.betas_f64', 1e-12],
    ['sqrt', 'other.sqrt.betas_f64', 1e-12],
    ['cosine', 'other.cosine.betas_f64', 1e-10],
  ])('%s betas in float64', (betaSchedule, name, limit) => {
    const { betas } = makeSchedule({ ...LDM, betaSchedule });
    expect(eachRel(betas, outputs.get(name)!)).toBeLessThanOrEqual(limit);
  });
});

describe('makeSchedule', () => {
  it('is linear in the root of beta where it says linear', () => {
    const roots = makeSchedule({ ...LDM, timesteps: 3 }).betas.map(Math.sqrt);
    expect(roots[1]!).toBeCloseTo((Math.sqrt(0.0015) + Math.sqrt(0.0195)) / 2, 14);
  });

  it('ends betas exactly where asked', () => {
    for (const betaSchedule of ['linear', 'sqrt_linear'] as const) {
      const betas = makeBetas({ ...LDM, betaSchedule, cosineS: 0.008, timesteps: 7 });
      expect(betas[0]).toBeCloseTo(0.0015, 17);
      expect(betas[6]).toBeCloseTo(0.0195, 17);
    }
  });

  it('takes given betas, and T from them', () => {
    const { timesteps, alphasCumprod, alphasCumprodPrev } = makeSchedule({ givenBetas: [0.1, 0.2, 0.5], timesteps: 9 });
    expect(timesteps).toBe(3);
    expect([...alphasCumprod].map((a) => a.toFixed(12))).toEqual([
      '0.900000000000',
      '0.720000000000',
      '0.360000000000',
    ]);
    expect(alphasCumprodPrev[0]).toBe(1);
    expect(alphasCumprodPrev[2]).toBe(alphasCumprod[1]);
  });

  it('mixes beta into the posterior variance by v', () => {
    const at = (vPosterior: number) => makeSchedule({ givenBetas: [0.1, 0.2], vPosterior }).posteriorVariance[1]!;
    const posterior = (0.2 * (1 - 0.9)) / (1 - 0.72);
    expect(at(0)).toBeCloseTo(posterior, 14);
    expect(at(1)).toBeCloseTo(0.2, 14);
    expect(at(0.25)).toBeCloseTo(0.75 * posterior + 0.25 * 0.2, 14);
  });

  it('weighs the bound by what the network predicts', () => {
    const weights = (parameterization: 'eps' | 'x0' | 'v') =>
      makeSchedule({ ...LDM, timesteps: 50, parameterization }).lvlbWeights;
    const { alphasCumprod, betas, posteriorVariance } = makeSchedule({ ...LDM, timesteps: 50 });
    const t = 30;
    const eps = betas[t]! ** 2 / (2 * posteriorVariance[t]! * (1 - betas[t]!) * (1 - alphasCumprod[t]!));
    expect(weights('eps')[t]! / eps).toBeCloseTo(1, 5);
    expect(weights('v')[t]! / (alphasCumprod[t]! * eps)).toBeCloseTo(1, 5);
    expect(weights('x0')[t]!).toBeCloseTo((0.5 * Math.sqrt(alphasCumprod[t]!)) / (2 - alphasCumprod[t]!), 6);
    for (const parameterization of ['eps', 'x0', 'v'] as const) {
      expect(weights(parameterization)[0]).toBe(weights(parameterization)[1]);
    }
  });

  it('gives finite buffers for every kind and many lengths', () => {
    for (const betaSchedule of betaScheduleNames) {
      for (const timesteps of [2, 3, 10, 1000]) {
        for (const [name, values] of scheduleBuffers(makeSchedule({ ...LDM, betaSchedule, timesteps }))) {
          expect([betaSchedule, timesteps, name, values.every(Number.isFinite)]).toEqual([
            betaSchedule,
            timesteps,
            name,
            true,
          ]);
        }
      }
    }
  });

  it('refuses what is no schedule, saying which number', () => {
    expect(() => makeSchedule({ timesteps: 1 })).toThrow('timesteps is 1, wanted an integer of at least 2');
    expect(() => makeSchedule({ timesteps: 10.5 })).toThrow('timesteps is 10.5');
    expect(() => makeSchedule({ givenBetas: [0.1, 1.5] })).toThrow('beta 1 of 2 is 1.5');
    expect(() => makeSchedule({ givenBetas: [0.1, Number.NaN] })).toThrow('beta 1 of 2 is NaN');
    expect(() => makeSchedule({ ...LDM, linearStart: 0 })).toThrow('linear_start 0');
    expect(() => makeSchedule({ ...LDM, vPosterior: 2 })).toThrow('v_posterior is 2');
    expect(() => makeSchedule({ ...LDM, betaSchedule: 'tanh' as BetaScheduleName })).toThrow(
      "'tanh', wanted one of linear",
    );
  });
});
