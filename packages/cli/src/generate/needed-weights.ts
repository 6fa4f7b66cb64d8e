import type { ParamSpec } from '@codiff/ldm-core';

/** File keys that sampling has no use for: noise schedule, averages, the encoder half of the first stage, unread heads. */
export const UNNEEDED: readonly RegExp[] = [
  /^[^.]+$/,
  /^model_ema\./,
  /^first_stage_model\.(encoder|quant_conv|loss|colorize)(\.|$)/,
  /^cond_stage_model\.(\w+_cond_stage_model\.)?transformer\.to_logits\./,
];

/** The same of editing, which encodes an image too. */
export const UNNEEDED_TO_EDIT: readonly RegExp[] = [
  /^[^.]+$/,
  /^model_ema\./,
  /^first_stage_model\.(loss|colorize)(\.|$)/,
  /^cond_stage_model\.(\w+_cond_stage_model\.)?transformer\.to_logits\./,
];

/**
 * What of a model is read. With moving averages, these too, and they will take the weights' place.
 * @param unneeded by what it is read for; sampling by default
 */
export function neededSpecs(
  specs: ReadonlyMap<string, ParamSpec>,
  unneeded: readonly RegExp[] = UNNEEDED,
): Map<string, ParamSpec> {
  const isNeeded = ({ key, init }: ParamSpec) =>
    key === 'scale_factor' || init.kind === 'copy' || !unneeded.some((pattern) => pattern.test(key));
  return new Map([...specs].filter(([, spec]) => isNeeded(spec)));
}
