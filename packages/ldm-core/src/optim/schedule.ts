/** One cycle of a learning-rate schedule; factors of the base rate. */
export interface LrCycle {
  /** Length in steps, warm-up included. */
  readonly steps: number;
  /** Steps of linear warm-up from `start` to `max`. */
  readonly warmUpSteps: number;
  readonly start: number;
  readonly max: number;
  /** Value at the end of the cycle. */
  readonly min: number;
}

/** How the factor falls after the warm-up. */
export type LrDecay = 'cosine' | 'linear';

/**
 * A learning-rate schedule: in every cycle a linear warm-up from `start` to `max`, then half a cosine (Loshchilov and
 * Hutter 2017, eq. 5) or a straight line down to `min`. A cycle's last step belongs to it; after the last cycle the factor
 * stays at its `min`.
 * @returns the factor of the base learning rate at a step, counted from 0
 * @throws Error naming the cycle whose numbers make no sense
 */
export function lrSchedule(cycles: readonly LrCycle[], decay: LrDecay): (step: number) => number {
  if (cycles.length === 0) throw new Error('lrSchedule: no cycles; give at least one');
  cycles.forEach((cycle, i) => {
    const { steps, warmUpSteps, start, max, min } = cycle;
    if (!(steps > 0 && warmUpSteps >= 0 && warmUpSteps <= steps)) {
      throw new Error(
        `lrSchedule: cycle ${i} has ${steps} steps, ${warmUpSteps} of warm-up; wanted 0 <= warm-up <= steps`,
      );
    }
    if (![start, max, min].every((factor) => factor >= 0 && Number.isFinite(factor))) {
      throw new Error(`lrSchedule: cycle ${i} has factors ${start}, ${max}, ${min}; wanted finite ones of at least 0`);
    }
  });
  return (step) => {
    let n = step;
    for (const cycle of cycles) {
      if (n <= cycle.steps) return factorIn(cycle, n, decay);
      n -= cycle.steps;
    }
    return cycles[cycles.length - 1]!.min;
  };
}

function factorIn({ steps, warmUpSteps, start, max, min }: LrCycle, n: number, decay: LrDecay): number {
  if (n < warmUpSteps) return start + ((max - start) * n) / warmUpSteps;
  const progress = steps > warmUpSteps ? (n - warmUpSteps) / (steps - warmUpSteps) : 1;
  const left = decay === 'cosine' ? 0.5 * (1 + Math.cos(Math.PI * progress)) : 1 - progress;
  return min + (max - min) * left;
}
