import type * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { sampleDdim } from './ddim.js';
import { discretizations } from './ddim-schedule.js';
import { sampleDdpm } from './ddpm-sampler.js';
import type { Denoise } from './denoise.js';
import { sampleDpmpp } from './dpmpp.js';
import { sampleHeun } from './heun.js';
import { samplePlms } from './plms.js';
import type { SampleRun } from './run-steps.js';

const steps = z.int({ error: 'wanted an integer of at least 1' }).min(1);
const discretize = z.enum(discretizations).optional();
const eta = z.number().min(0).optional();
/** Accepted as 0 only, so that one set of flags can serve every sampler. */
const noEta = (name: string) =>
  z.literal(0, { error: `${name} adds no noise, so eta must be 0; use ddim for eta above 0` }).optional();

/** The settings of each sampler as a config file or command line gives them; absent ones take the sampler's default. */
export const samplerConfigs = {
  ddim: z.strictObject({
    name: z.literal('ddim'),
    steps,
    discretize,
    eta,
    temperature: z.number().min(0).optional(),
    noiseDropout: z.number().min(0).lt(1).optional(),
  }),
  plms: z.strictObject({ name: z.literal('plms'), steps, discretize, eta: noEta('plms') }),
  dpmpp: z.strictObject({
    name: z.literal('dpmpp'),
    steps,
    discretize,
    eta: noEta('dpmpp'),
    lowerOrderFinal: z.boolean().optional(),
  }),
  heun: z.strictObject({ name: z.literal('heun'), steps, discretize, eta: noEta('heun') }),
  ddpm: z.strictObject({ name: z.literal('ddpm'), clipDenoised: z.boolean().optional() }),
} as const;

/** The samplers by name. `dpmpp` is DPM-Solver++(2M); `ddpm` takes all T steps. */
export type SamplerName = keyof typeof samplerConfigs;

/** Settings by sampler. */
export type SamplerConfigs = { readonly [N in SamplerName]: z.output<(typeof samplerConfigs)[N]> };

/** Which sampler, and how it is set. */
export const SamplerConfig = z.discriminatedUnion('name', [
  samplerConfigs.ddim,
  samplerConfigs.plms,
  samplerConfigs.dpmpp,
  samplerConfigs.heun,
  samplerConfigs.ddpm,
]);

/** {@inheritDoc SamplerConfig} */
export type SamplerConfig<N extends SamplerName = SamplerName> = { [K in N]: SamplerConfigs[K] }[N];

/** A sampler with its settings beside what every run takes. @returns latents [B,H,W,C], the caller's */
export type SampleFn<N extends SamplerName> = (
  denoise: Denoise,
  xT: tf.Tensor4D,
  options: SamplerConfigs[N] & SampleRun,
) => Promise<tf.Tensor4D>;

/** Every sampler under its name. */
export const samplers: { readonly [N in SamplerName]: SampleFn<N> } = {
  ddim: sampleDdim,
  plms: samplePlms,
  dpmpp: sampleDpmpp,
  heun: sampleHeun,
  ddpm: sampleDdpm,
};

/**
 * Sample with the sampler that the config names.
 * @param xT where to start [B,H,W,C]; left to the caller
 * @returns latents [B,H,W,C], the caller's
 */
export function sampleWith<N extends SamplerName>(
  config: SamplerConfig<N>,
  denoise: Denoise,
  xT: tf.Tensor4D,
  run: SampleRun,
): Promise<tf.Tensor4D> {
  const fn: SampleFn<N> = samplers[config.name as N];
  return fn(denoise, xT, { ...run, ...config } as SamplerConfigs[N] & SampleRun);
}
