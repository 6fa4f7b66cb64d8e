import type { z } from 'zod';

/** One thing that a rule has against a config. */
export interface Finding {
  /** Where, below the object that the rule belongs to: field names as in the typed config, and list indices. */
  readonly path: readonly (string | number)[];
  /** What came and what was wanted. */
  readonly message: string;
  /** What to do about it. */
  readonly suggestion?: string;
}

/**
 * A condition between several fields of one object. It runs as soon as the fields it needs are valid, whatever is wrong
 * with the others, so that one error can list every problem.
 */
export interface Rule<C> {
  readonly needs: readonly (keyof C & string)[];
  readonly check: (config: C) => Iterable<Finding>;
}

/** Makes rules of a config type: `ruleOf<C>()(['a', 'b'], function* ({ a, b }) { … })` sees only the fields it names. */
export function ruleOf<C>() {
  return <K extends keyof C & string>(
    needs: readonly K[],
    check: (config: Pick<C, K>) => Iterable<Finding>,
  ): Rule<C> => ({ needs, check });
}

const rulesBySchema = new WeakMap<object, readonly Rule<Record<string, unknown>>[]>();

/**
 * The schema with rules attached: its own `parse` applies them once all fields are valid, and {@link parseObject} applies
 * each as soon as it can.
 */
export function withRules<S extends z.ZodObject>(schema: S, ...rules: readonly Rule<z.output<S>>[]): S {
  const checked = schema.superRefine((config, ctx) => {
    for (const { check } of rules) {
      for (const { path, message, suggestion } of check(config)) {
        ctx.addIssue({ code: 'custom', path: [...path], message, params: { suggestion } });
      }
    }
  });
  rulesBySchema.set(checked, rules as readonly Rule<Record<string, unknown>>[]);
  return checked;
}

/** The rules that {@link withRules} attached. */
export function rulesOf(schema: z.ZodObject): readonly Rule<Record<string, unknown>>[] {
  return rulesBySchema.get(schema) ?? [];
}
