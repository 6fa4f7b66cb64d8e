import { z } from 'zod';

/** The modalities that can cooperate, in the order in which their influence maps are stacked. */
export const CONDITIONS = ['seg_mask', 'text', 'sketch'] as const;

/** One modality. */
export type Condition = (typeof CONDITIONS)[number];

/** The modalities that cooperate: mask and text, or all three (original, section 9). */
export const conditions = () => {
  const error = 'wanted [seg_mask, text] or [seg_mask, text, sketch]';
  return z
    .array(z.enum(CONDITIONS, { error }), { error })
    .refine((list) => sameConditions(list, ['seg_mask', 'text']) || sameConditions(list, CONDITIONS), { error })
    .default(['seg_mask', 'text']);
};

/** Whether two lists hold the same modalities, each once, in whatever order. */
export const sameConditions = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && new Set(a).size === a.length && a.every((condition) => b.includes(condition));
