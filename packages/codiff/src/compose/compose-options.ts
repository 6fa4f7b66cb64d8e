import type { InfluenceInput } from '../collaborate.js';
import type { ComposeUNetConfig } from '../config/compose-unet-config.js';
import type { Condition } from '../config/conditions.js';
import type { InfluenceOptions, InfluenceRule } from '../influence.js';

/** How a collaborative model mixes its branches. Plain data, so that a compiled step is traced anew only if it changes. */
export interface ComposeOptions extends InfluenceOptions {
  /** One rule a condition, in any order. */
  readonly rules: readonly InfluenceRule[];
  readonly influenceInput: InfluenceInput;
}

/** The original's names for the same, as its configs and samplers give them. */
export type OriginalMix = Pick<
  ComposeUNetConfig,
  'confidenceInput' | 'segMaskScaleFactor' | 'segMaskSchedule' | 'softmaxTwice' | 'boostFactor'
>;

/**
 * The original's options as rules: text is the remainder, and every other modality has the mask's scale and schedule.
 * @param mix @param conditions that cooperate
 */
export function composeOptions(mix: OriginalMix, conditions: readonly Condition[]): ComposeOptions {
  const { segMaskScaleFactor: scale, segMaskSchedule: schedule, softmaxTwice, boostFactor, confidenceInput } = mix;
  return {
    rules: conditions.map((name) => (name === 'text' ? { name, remainder: true } : { name, scale, schedule })),
    influenceInput: confidenceInput,
    softmaxTwice,
    boostFactor,
  };
}
