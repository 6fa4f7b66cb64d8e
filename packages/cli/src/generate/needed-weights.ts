import type { ParamSpec } from '@codiff/ldm-core';

/** File keys that sampling has no use for: noise schedule, averages, the encoder half of the first stage, unread heads. */
export const UNNEEDED: readonly RegExp[] = [
  /^[^.]+$/,
  /^model_ema\./,
  /^first_stage_model\.(encoder|quant_conv|loss|colorize)(\.|$)/,
  /^cond_stage_model\.(\w+_cond_stage_model\.)?transformer\.to_logits\./,
];

/** What of a model sampling reads. With moving averages, these too, and they will take the weights' place. */
export function neededSpecs(specs: ReadonlyMap<string, ParamSpec>): Map<string, ParamSpec> {
  const isNeeded = ({ key, init }: ParamSpec) =>
    key === 'scale_factor' || init.kind === 'copy' || !UNNEEDED.some((pattern) => pattern.test(key));
  return new Map([...specs].filter(([, spec]) => isNeeded(spec)));
}
