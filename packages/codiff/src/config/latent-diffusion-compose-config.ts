import { diffusionFields, diffusionRules, fields, ruleOf, withRules } from '@codiff/ldm-core';
import { z } from 'zod';
import { type Condition, conditions } from './conditions.js';

const branchConfig = () => fields.note(fields.text().nullable().default(null), { link: 'branch' });
const path = () => fields.text().nullable().default(null);

const composeFields = z.strictObject({
  ...diffusionFields,
  firstStageConfig: fields.ignored("the text branch's autoencoder is used"),
  condStageConfig: fields.ignored("the branches' encoders are used"),
  conditioningKey: fields.ignored("the text branch's key is used"),
  concatMode: fields.ignored("the text branch's conditioning is used"),
  unetConfig: fields.absent('the UNets come from the branches'),
  learnLogvar: fields.only(false, 'only the dynamic diffusers may train').default(false),
  /** Branches to build. */
  conditions: conditions(),
  textLdmConfigPath: branchConfig(),
  textLdmCkptPath: path(),
  segMaskLdmConfigPath: branchConfig(),
  segMaskLdmCkptPath: path(),
  sketchLdmConfigPath: branchConfig(),
  sketchLdmCkptPath: path(),
  composeUnetConfig: fields.target('composeUnet'),
  composeCondStageConfig: fields.target('composeCondStage'),
});

/** The field that names a branch's config. */
export const branchField = {
  seg_mask: 'segMaskLdmConfigPath',
  text: 'textLdmConfigPath',
  sketch: 'sketchLdmConfigPath',
} as const satisfies Record<Condition, keyof z.output<typeof composeFields>>;

/** The field that names a branch's checkpoint. */
export const checkpointField = {
  seg_mask: 'segMaskLdmCkptPath',
  text: 'textLdmCkptPath',
  sketch: 'sketchLdmCkptPath',
} as const satisfies Record<Condition, keyof z.output<typeof composeFields>>;

const rule = ruleOf<z.output<typeof composeFields>>();

/**
 * `ldm.models.diffusion.ddpm_compose.LatentDiffusionCompose`: arguments, defaults and what they may be (original, 19.2).
 * Checkpoint paths may be null: the weights then come from one checkpoint that holds all.
 */
export const LatentDiffusionComposeConfig = withRules(
  composeFields,
  ...diffusionRules,
  ...(['seg_mask', 'text', 'sketch'] as const).map((condition) => {
    const field = branchField[condition];
    return rule(['conditions', field], function* (config) {
      if (!config.conditions.includes(condition) || config[field] !== null) return;
      yield {
        path: [field],
        message: `the branch '${condition}' has no config`,
        suggestion: `give the path of its config, or leave ${condition} out of conditions`,
      };
    });
  }),
);

/** {@link LatentDiffusionComposeConfig} with its defaults applied. */
export type LatentDiffusionComposeConfig = z.output<typeof LatentDiffusionComposeConfig>;
