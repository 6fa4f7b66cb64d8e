import { z } from 'zod';
import type { LrCycle } from '../optim/schedule.js';
import { count, ignored, number, whole } from './fields.js';
import { ruleOf, withRules } from './rules.js';

const perCycle = <S extends z.ZodType>(item: S) => z.array(item, { error: 'wanted a list, one entry a cycle' });

const factor = () => number().min(0, { error: 'wanted a factor of at least 0' });

const fields = z.strictObject({
  warmUpSteps: perCycle(whole(0)),
  /** Factor at the end of a cycle. */
  fMin: perCycle(factor()),
  /** Factor after the warm-up. */
  fMax: perCycle(factor()),
  /** Factor at the start of a cycle. */
  fStart: perCycle(factor()),
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
  rule(['warmUpSteps', 'cycleLengths'], function* ({ warmUpSteps, cycleLengths }) {
    for (const [i, steps] of warmUpSteps.entries()) {
      const length = cycleLengths[i];
      if (length === undefined || steps <= length) continue;
      yield {
        path: ['warmUpSteps', i],
        message: `a warm-up of ${steps} steps does not fit in a cycle of ${length}`,
        suggestion: `use at most ${length}`,
      };
    }
  }),
);

/** {@link LrScheduleConfig}. */
export type LrScheduleConfig = z.output<typeof LrScheduleConfig>;

/** The cycles of a config, one after the other. */
export const cyclesOf = ({ cycleLengths, warmUpSteps, fStart, fMax, fMin }: LrScheduleConfig): LrCycle[] =>
  cycleLengths.map((steps, i) => ({
    steps,
    warmUpSteps: warmUpSteps[i]!,
    start: fStart[i]!,
    max: fMax[i]!,
    min: fMin[i]!,
  }));
