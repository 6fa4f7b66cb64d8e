import { z } from 'zod';
import { count, ignored, number, whole } from './fields.js';
import { ruleOf, withRules } from './rules.js';

const perCycle = <S extends z.ZodType>(item: S) => z.array(item, { error: 'wanted a list, one entry a cycle' });

const fields = z.strictObject({
  warmUpSteps: perCycle(whole(0)),
  /** Factor at the end of a cycle. */
  fMin: perCycle(number()),
  /** Factor after the warm-up. */
  fMax: perCycle(number()),
  /** Factor at the start of a cycle. */
  fStart: perCycle(number()),
  /** In steps. */
  cycleLengths: perCycle(count()).nonempty({ error: 'wanted at least one cycle' }),
  verbosityInterval: ignored('a library prints nothing'),
});

const rule = ruleOf<z.output<typeof fields>>();

/**
 * The learning-rate schedules of `scheduler_config`: per cycle a linear warm-up from `fStart` to `fMax`, then a decay to
 * `fMin`, by half a cosine or linearly (original, section 17). Factors on the base learning rate.
 */
export const LrScheduleConfig = withRules(
  fields,
  ...(['warmUpSteps', 'fMin', 'fMax', 'fStart'] as const).map((field) =>
    rule([field, 'cycleLengths'], function* (config) {
      const [got, wanted] = [config[field].length, config.cycleLengths.length];
      if (got === wanted) return;
      yield { path: [field], message: `${got} entries for ${wanted} cycles`, suggestion: `give ${wanted}` };
    }),
  ),
);

/** {@link LrScheduleConfig}. */
export type LrScheduleConfig = z.output<typeof LrScheduleConfig>;
