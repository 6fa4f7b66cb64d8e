import { type ComposeOptions, composeOptions, type LatentDiffusionCompose } from '@codiff/codiff';
import { z } from 'zod';

const schedule = z.enum(['linear_decay', 'cosine_decay']).nullable();
const manualProb = z
  .number()
  .refine((p) => p >= 1 || p < 0, 'between 0 and 1 it needs random draws that no case holds');

/** The options of a mix, as cases spell them. */
export const mixFields = {
  seg_mask_scale_factor: z.number().nullable(),
  seg_mask_schedule: schedule,
  softmax_twice: z.boolean(),
  boost_factor: z.number(),
  manual_prob: manualProb,
  confidence_input: z.enum(['x_t', 'unet_output']),
};

/** All options, each given. */
export const MixOptions = z.strictObject(mixFields);
export type MixOptions = z.output<typeof MixOptions>;

/** A case's options for a model. */
export function mixOptionsOf(options: MixOptions, { conditions }: LatentDiffusionCompose): ComposeOptions {
  const mix = {
    segMaskScaleFactor: options.seg_mask_scale_factor,
    segMaskSchedule: options.seg_mask_schedule,
    softmaxTwice: options.softmax_twice,
    boostFactor: options.boost_factor,
    confidenceInput: options.confidence_input,
  };
  return { ...composeOptions(mix, conditions), ruled: options.manual_prob >= 0 };
}
