import { fields, withRules } from '@codiff/ldm-core';
import { z } from 'zod';
import { constantAxes } from '../constant-influence.js';
import { conditions } from './conditions.js';

/** How influence maps are changed before they mix the branches; shared by the composed UNet and its sampler. */
export const mixFields = {
  softmaxTwice: fields.flag().default(false),
  /** Factor before the second softmax; has effect with `softmaxTwice` only. */
  boostFactor: fields.number().default(1),
  /** Probability that schedule and factor are applied in a call; below 0: never. */
  manualProb: fields.number().default(1),
  returnConfidenceMap: fields.flag().default(false),
  returnEachBranch: fields.flag().default(false),
};

/** The mask's weight over time: none, or falling to 0 at the last step. */
const schedule = () => fields.oneOf(['linear_decay', 'cosine_decay']).nullable();

/** `…compose_modules.ComposeUNet`: arguments, defaults and what they may be (original, 19.3 and 9). */
export const ComposeUNetConfig = withRules(
  z.strictObject({
    /** The dynamic diffuser; built once per modality. */
    confidenceMapPredictorConfig: fields.target('unet'),
    confidenceConditioningKey: fields
      .only('crossattn', 'the dynamic diffusers read their modality as a context')
      .default('crossattn'),
    /** What the dynamic diffusers look at: the noised latents, or their branch's predicted noise. */
    confidenceInput: fields.oneOf(['unet_output', 'x_t']).default('unet_output'),
    segMaskScaleFactor: fields.number().nullable().default(null),
    segMaskSchedule: schedule().default(null),
    ...mixFields,
    conditions: conditions(),
    /** Not in the original: along what the influence may not vary, for ablations. */
    influence: z
      .strictObject({ constantOver: fields.oneOf(constantAxes).nullable().default(null) })
      .default({ constantOver: null }),
  }),
);

/** {@link ComposeUNetConfig} with its defaults applied. */
export type ComposeUNetConfig = z.output<typeof ComposeUNetConfig>;

/** `…compose_modules.ComposeCondStageModel` (original, 19.3). */
export const ComposeCondStageConfig = z.strictObject({ conditions: conditions() });

/** {@link ComposeCondStageConfig} with its defaults applied. */
export type ComposeCondStageConfig = z.output<typeof ComposeCondStageConfig>;

const samplerFields = z.looseObject({
  schedule: fields.ignored('the model has its noise schedule'),
  segMaskScaleFactor: fields.number().nullable().default(2),
  segMaskSchedule: schedule().default('cosine_decay'),
  ...mixFields,
  /** Which maps are kept. */
  conditions: conditions(),
});

/**
 * `…ddim_confidence.DDIMConfidenceSampler`: its options, which are not the ones that the model was trained with (original,
 * 8.3 and 19.3). Other names are ignored.
 */
export const ConfidenceSamplerConfig = withRules(samplerFields, {
  needs: ['returnConfidenceMap', 'returnEachBranch'],
  *check({ returnConfidenceMap, returnEachBranch }) {
    if (!returnEachBranch || returnConfidenceMap) return;
    yield {
      path: ['returnEachBranch'],
      message: 'the branches are kept beside the maps, and return_confidence_map is false',
      suggestion: 'set return_confidence_map: true',
    };
  },
});

/** {@link ConfidenceSamplerConfig} with its defaults applied. */
export type ConfidenceSamplerConfig = z.output<typeof ConfidenceSamplerConfig>;
