import { type BetaScheduleName, makeSchedule, type Schedule, scheduleBuffers } from '@codiff/ldm-core';
import { z } from 'zod';
import { commonFields, scheduleFields } from '../cases/case-form.js';
import { defineKind, type Outputs } from './kind.js';

const fields = z.strictObject({
  ...commonFields,
  ...scheduleFields,
  other: z.array(scheduleFields.beta_schedule).default([]),
});
type ScheduleFields = Omit<z.output<typeof fields>, 'other'>;

/** The schedule that the fields of a case describe. */
export function scheduleOf(config: ScheduleFields, betaSchedule: BetaScheduleName = config.beta_schedule): Schedule {
  return makeSchedule({
    betaSchedule,
    linearStart: config.linear_start,
    linearEnd: config.linear_end,
    cosineS: config.cosine_s,
    timesteps: config.timesteps,
    vPosterior: config.v_posterior,
    parameterization: config.parameterization,
  });
}

/** Kind `schedule`: the model's 13 buffers, and betas of any kind in float64. */
export const schedule = defineKind('schedule', fields, async (config) => {
  const outputs: Outputs = new Map();
  const put = (name: string, values: Float32Array | Float64Array): void => {
    outputs.set(name, { shape: [values.length], values });
  };
  const main = scheduleOf(config);
  for (const [name, values] of scheduleBuffers(main)) put(name, values);
  put('betas_f64', main.betas);
  for (const other of config.other) put(`other.${other}.betas_f64`, scheduleOf(config, other).betas);
  return outputs;
});
