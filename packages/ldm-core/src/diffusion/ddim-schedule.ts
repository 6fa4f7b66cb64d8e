import { linspace } from './betas.js';
import type { Schedule } from './schedule.js';

/** How a short schedule picks its timesteps: at equal distances, or denser near t = 0 (squares of a line). */
export const discretizations = ['uniform', 'quad'] as const;

/** A name from {@link discretizations}. */
export type Discretization = (typeof discretizations)[number];

/** What fixes a short schedule. */
export interface DdimScheduleOptions {
  /** Steps asked for, S. `uniform` may give more (30 of 1000 gives 31): see {@link ddimTimesteps}. */
  readonly steps: number;
  /** Default `uniform`. */
  readonly discretize?: Discretization | undefined;
  /** η: 0 deterministic (DDIM), 1 as much noise as DDPM. Default 0. */
  readonly eta?: number | undefined;
}

/**
 * A short schedule: one entry a denoising step, in order of time, so a sampler runs from the last entry down to entry 0.
 * Symbols as in DDIM (arXiv 2010.02502), whose α is our ᾱ.
 */
export interface DdimSchedule {
  /** The t at which the model is called; non-decreasing, within 0..T-1. */
  readonly timesteps: Int32Array;
  /** ᾱ at `timesteps`, float32 values. */
  readonly alphas: Float32Array;
  /** ᾱ where the step goes: of the entry before, and ᾱ_0 (not 1) at entry 0. */
  readonly alphasPrev: Float64Array;
  /** Standard deviation of the noise the step adds, DDIM equation 16. */
  readonly sigmas: Float64Array;
  /** √(1-ᾱ) at `timesteps`. */
  readonly sqrtOneMinusAlphas: Float32Array;
}

/** Most steps of `quad`: more would only repeat timesteps, without end. */
const MOST_STEPS = 1_000_000;

/**
 * The timesteps of a short schedule of S of T steps, ascending.
 *
 * `uniform`: 1, 1+c, 1+2c, ... with c = ⌊T/S⌋: more than S entries where S does not divide T. Where that would end in T,
 * which does not exist, it ends in T-1; the original fails there (for T = 1000: 3, 9, 27, 36, 37, 101..111, 251..333 and
 * all above 500). For T/2 < S < T the rule would run T steps, whatever was asked: refused. `quad`: ⌊l²⌋ + 1 with l from
 * 0 to √(0.8 T), S entries; timesteps may repeat, and do if S exceeds T: a step from t to t changes nothing.
 * @returns int32 [number of steps]
 * @throws RangeError if S is not an integer of at least 1 or, `uniform`, exceeds T or lies strictly between T/2 and T
 */
export function ddimTimesteps(trainSteps: number, steps: number, discretize: Discretization = 'uniform'): Int32Array {
  const last = trainSteps - 1;
  if (discretize === 'quad') {
    if (!(Number.isInteger(steps) && steps >= 1 && steps <= MOST_STEPS)) {
      throw new RangeError(`sampler: steps is ${steps}, wanted an integer from 1 to ${MOST_STEPS}`);
    }
    return Int32Array.from(linspace(0, Math.sqrt(trainSteps * 0.8), steps), (l) =>
      Math.min(Math.floor(l * l) + 1, last),
    );
  }
  const half = Math.floor(trainSteps / 2);
  const allowed = Number.isInteger(steps) && steps >= 1 && steps <= trainSteps;
  if (!allowed || (steps > half && steps < trainSteps)) {
    throw new RangeError(
      `sampler: steps is ${steps}, wanted an integer from 1 to ${half}, or ${trainSteps}` +
        (allowed ? `; between them uniform steps of a schedule of ${trainSteps} would all take ${trainSteps}` : ''),
    );
  }
  const stride = Math.floor(trainSteps / steps);
  return Int32Array.from({ length: Math.ceil(trainSteps / stride) }, (_, i) => Math.min(i * stride + 1, last));
}

/**
 * How many denoising steps a sampler takes when asked for `steps`: tell the user where the two differ.
 * @throws RangeError as {@link ddimTimesteps}
 */
export function countSteps(trainSteps: number, steps: number, discretize: Discretization = 'uniform'): number {
  return ddimTimesteps(trainSteps, steps, discretize).length;
}

/**
 * The short schedule of DDIM and PLMS: numbers only, for any η of at least 0. Whether a sampler can walk it is for
 * {@link requireWalkable} to say.
 *
 * ᾱ is read as the original stores it, in float32; σ = η √((1-ᾱ_prev)/(1-ᾱ)) √(1-ᾱ/ᾱ_prev) (DDIM equation 16) is then in
 * float64. The last step ends at ᾱ_0 and not at 1, so it still adds noise where η > 0.
 * @throws RangeError as {@link ddimTimesteps}, or if η is negative
 */
export function makeDdimSchedule(schedule: Schedule, options: DdimScheduleOptions): DdimSchedule {
  const { steps, discretize = 'uniform', eta = 0 } = options;
  if (!(eta >= 0)) throw new RangeError(`sampler: eta is ${eta}, wanted a number of at least 0`);
  const timesteps = ddimTimesteps(schedule.timesteps, steps, discretize);
  const alphas = Float32Array.from(timesteps, (t) => schedule.alphasCumprod[t]!);
  const alphasPrev = Float64Array.from([Math.fround(schedule.alphasCumprod[0]!), ...alphas.subarray(0, -1)]);
  const sigmas = alphasPrev.map(
    (prev, i) => eta * Math.sqrt(((1 - prev) / (1 - alphas[i]!)) * (1 - alphas[i]! / prev)),
  );
  return { timesteps, alphas, alphasPrev, sigmas, sqrtOneMinusAlphas: alphas.map((alpha) => Math.sqrt(1 - alpha)) };
}

/**
 * A short schedule on which every step exists: x_0 can be told from x (ᾱ > 0), and no step adds more noise than x has
 * where it goes (σ² <= 1 - ᾱ_prev; always so for η up to 1, and for no schedule much above).
 * @returns the schedule
 * @throws RangeError naming the first step that does not
 */
export function requireWalkable(table: DdimSchedule): DdimSchedule {
  for (const [i, t] of table.timesteps.entries()) {
    if (table.alphas[i] === 0) {
      throw new RangeError(
        `sampler: at t ${t} nothing of x_0 is left (alphas_cumprod is 0 in float32), and no step leads back; ` +
          'use a schedule of smaller betas',
      );
    }
    const [variance, room] = [table.sigmas[i]! ** 2, 1 - table.alphasPrev[i]!];
    if (!(variance <= room + 1e-12)) {
      throw new RangeError(
        `sampler: eta makes step ${i} (t ${t}) add more noise than x has there (sigma² ${variance}, at most ${room}); ` +
          'use an eta of at most 1',
      );
    }
  }
  return table;
}
