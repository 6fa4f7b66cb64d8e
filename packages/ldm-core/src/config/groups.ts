import type { Finding } from './rules.js';

/** GroupNorm has 32 groups everywhere (original, section 5), so the channels it sees come in multiples of 32. */
export const GROUPS = 32;

/** Refuses a channel count that GroupNorm cannot split. */
export function* grouped(path: readonly (string | number)[], channels: number): Generator<Finding> {
  if (channels % GROUPS === 0) return;
  yield {
    path,
    message: `${channels} channels cannot be split into the ${GROUPS} groups of GroupNorm`,
    suggestion: `use ${Math.max(1, Math.round(channels / GROUPS)) * GROUPS}`,
  };
}
