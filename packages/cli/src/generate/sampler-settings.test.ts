import { describe, expect, it } from 'vitest';
import { UsageError } from '../usage-error.js';
import { type SamplerFlags, samplerSettings, stepsNote } from './sampler-settings.js';

const T = 1000;

describe('samplerSettings', () => {
  it.each<[SamplerFlags, object, number]>([
    [{}, { name: 'ddim', steps: 50, eta: 1 }, 50],
    [{ ddim_steps: '30' }, { name: 'ddim', steps: 30, eta: 1 }, 31],
    [{ ddim_steps: '1000', eta: 0 }, { name: 'ddim', steps: 1000, eta: 0 }, 1000],
    [{ sampler: 'plms', eta: 0 }, { name: 'plms', steps: 50, eta: 0 }, 50],
    [{ sampler: 'dpmpp', ddim_steps: '20' }, { name: 'dpmpp', steps: 20, eta: 0 }, 20],
    [{ sampler: 'heun', ddim_steps: '1000' }, { name: 'heun', steps: 1000, eta: 0 }, 999],
    [{ sampler: 'ddpm' }, { name: 'ddpm' }, 1000],
    [{ sampler: 'ddpm', ddim_steps: '1000' }, { name: 'ddpm' }, 1000],
  ])('%j', (flags, config, taken) => {
    expect(samplerSettings(flags, T)).toMatchObject({ config, taken });
  });

  it.each<[SamplerFlags, RegExp]>([
    ...['0', '501', '999', '1001', '-1', '2.5', 'x', ''].map((steps): [SamplerFlags, RegExp] => [
      { ddim_steps: steps },
      new RegExp(`--ddim_steps is '${steps}'; wanted a whole number from 1 to 500, or 1000`),
    ]),
    [{ eta: 1.5 }, /--eta is 1.5; wanted a number from 0/],
    [{ eta: -0.1 }, /--eta is -0.1/],
    [{ sampler: 'plms', eta: 1 }, /--eta is 1, and plms adds no noise/],
    [{ sampler: 'ddpm', eta: 1 }, /leave it out/],
    [{ sampler: 'ddpm', ddim_steps: '50' }, /ddpm takes all 1000 steps/],
  ])('%j is refused', (flags, message) => {
    expect(() => samplerSettings(flags, T)).toThrow(UsageError);
    expect(() => samplerSettings(flags, T)).toThrow(message);
  });

  it('says how many steps that makes', () => {
    expect(stepsNote(samplerSettings({}, T), T)).toBe('50 steps');
    expect(stepsNote(samplerSettings({ ddim_steps: '30' }, T), T)).toBe(
      '31 steps (30 were asked for; one in 33 of 1000 makes 31)',
    );
  });
});
