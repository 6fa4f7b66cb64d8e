import { ddimTimesteps, discretizations, makeDdimSchedule } from '@codiff/ldm-core';
import { z } from 'zod';
import { commonFields, scheduleFields } from '../cases/case-form.js';
import { defineKind, type Outputs } from './kind.js';
import { scheduleOf } from './schedule.js';

const setting = { S: z.number().int().positive(), eta: z.number().min(0), discretize: z.enum(discretizations) };

const fields = z.strictObject({
  ...commonFields,
  ...scheduleFields,
  settings: z.record(z.string(), z.strictObject(setting)),
  original_fails: z.array(z.strictObject({ ...setting, error: z.string() })).default([]),
});

/**
 * Kind `ddim_schedule`: the short schedule of each setting. Where the original fails it gives no numbers; ours must then
 * either refuse too, or stay inside the long schedule (quirk 4: the original runs off its end).
 */
export const ddimSchedule = defineKind('ddim_schedule', fields, async (config, { check }) => {
  const outputs: Outputs = new Map();
  const schedule = scheduleOf(config);
  for (const [name, { S, eta, discretize }] of Object.entries(config.settings)) {
    const short = makeDdimSchedule(schedule, { steps: S, eta, discretize });
    const arrays = {
      ddim_timesteps: short.timesteps,
      ddim_sigmas: short.sigmas,
      ddim_alphas: short.alphas,
      ddim_alphas_prev: short.alphasPrev,
      ddim_sqrt_one_minus_alphas: short.sqrtOneMinusAlphas,
    };
    for (const [array, values] of Object.entries(arrays)) {
      outputs.set(`${name}.${array}`, { shape: [values.length], values });
    }
  }
  for (const { S, eta, discretize } of config.original_fails) {
    let outside = 0;
    try {
      const steps = ddimTimesteps(schedule.timesteps, S, discretize);
      outside = steps.filter((t) => t < 0 || t >= schedule.timesteps).length;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    check(`original_fails.S${S}_eta${eta}_${discretize}`, { ok: outside === 0, error: outside, limit: 0 });
  }
  return outputs;
});
