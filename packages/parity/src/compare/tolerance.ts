import { z } from 'zod';
import { matchesPattern } from '../cases/pattern.js';

const limit = z.number().min(0);

/** One rule of a `tolerance` block: how an error is measured, and when it passes. */
export const Tolerance = z.discriminatedUnion('measure', [
  z.strictObject({ measure: z.literal('max_rel'), limit }),
  z.strictObject({ measure: z.literal('abs'), limit }),
  z.strictObject({ measure: z.literal('exact') }),
  z.strictObject({ measure: z.literal('each_rel'), limit, floor: z.number().positive() }),
  z.strictObject({ measure: z.literal('abs_quantile'), q: z.number().min(0).max(1), limit, max: limit }),
]);
export type Tolerance = z.infer<typeof Tolerance>;

/** A case's `tolerance`: `default`, and rules by output name or pattern. */
export const ToleranceBlock = z.record(z.string(), Tolerance).refine((block) => 'default' in block, {
  message: "needs the entry 'default'",
});
export type ToleranceBlock = z.infer<typeof ToleranceBlock>;

/** The rule for an output: the entry of its own name, else the longest pattern that matches, else `default`. */
export function toleranceFor(block: ToleranceBlock, name: string): Tolerance {
  const own = Object.hasOwn(block, name) ? block[name] : undefined;
  if (own !== undefined) return own;
  const patterns = Object.keys(block).filter((pattern) => pattern.includes('*') && matchesPattern(pattern, name));
  const longest = patterns.reduce((best, pattern) => (pattern.length > best.length ? pattern : best), '');
  return block[longest === '' ? 'default' : longest]!;
}
