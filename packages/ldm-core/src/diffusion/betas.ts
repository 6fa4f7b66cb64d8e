/** The noise schedules of the original by name. `linear` is LDM's: linear in √β, not in β. */
export const betaScheduleNames = ['linear', 'cosine', 'sqrt_linear', 'sqrt'] as const;

/** A name from {@link betaScheduleNames}. */
export type BetaScheduleName = (typeof betaScheduleNames)[number];

/** What fixes the variances β_t of the forward process. Ends and offsets have no unit: they are variances. */
export interface BetaOptions {
  readonly betaSchedule: BetaScheduleName;
  /** β of the first step (not used by `cosine`). */
  readonly linearStart: number;
  /** β of the last step (not used by `cosine`). */
  readonly linearEnd: number;
  /** Offset s of the cosine schedule; keeps β_0 away from 0. */
  readonly cosineS: number;
  /** Number of training steps T. */
  readonly timesteps: number;
}

/** Largest β of the cosine schedule (improved DDPM, arXiv 2102.09672, section 3.2): at t = T the formula reaches 1. */
const COSINE_BETA_CAP = 0.999;

/**
 * The variances β_0..β_{T-1}, in float64.
 *
 * `linear`: squares of a line from √start to √end, which is what LDM calls linear; `sqrt_linear`: a line from start to
 * end, which DDPM (arXiv 2006.11239) calls linear; `sqrt`: the root of that line; `cosine`: 1 - ᾱ(t+1)/ᾱ(t) with
 * ᾱ(t) = cos²((t/T + s)/(1 + s) π/2), capped at 0.999 (arXiv 2102.09672, equation 17).
 * @returns [T]
 */
export function makeBetas(options: BetaOptions): Float64Array {
  const { betaSchedule, linearStart, linearEnd, cosineS, timesteps } = options;
  switch (betaSchedule) {
    case 'linear':
      return linspace(Math.sqrt(linearStart), Math.sqrt(linearEnd), timesteps).map((root) => root * root);
    case 'sqrt_linear':
      return linspace(linearStart, linearEnd, timesteps);
    case 'sqrt':
      return linspace(linearStart, linearEnd, timesteps).map(Math.sqrt);
    case 'cosine': {
      // Divided by the first value, which cancels but for rounding: 1 - ratio loses digits, and so both lose the same.
      const raw = Float64Array.from({ length: timesteps + 1 }, (_, t) => cosineAlphaBar(t / timesteps, cosineS));
      const alphaBar = raw.map((value) => value / raw[0]!);
      return Float64Array.from({ length: timesteps }, (_, t) =>
        Math.min(1 - alphaBar[t + 1]! / alphaBar[t]!, COSINE_BETA_CAP),
      );
    }
    default: {
      const unknown: never = betaSchedule;
      throw new RangeError(
        `schedule: beta_schedule is '${String(unknown)}', wanted one of ${betaScheduleNames.join(', ')}`,
      );
    }
  }
}

function cosineAlphaBar(time: number, s: number): number {
  return Math.cos(((time + s) / (1 + s)) * (Math.PI / 2)) ** 2;
}

/** `count` evenly spaced values, both ends included; the last is exactly `end`, as numpy's. */
export function linspace(start: number, end: number, count: number): Float64Array {
  const step = (end - start) / (count - 1);
  return Float64Array.from({ length: count }, (_, i) =>
    i > 0 && i === count - 1 ? end : start + (i > 0 ? i * step : 0),
  );
}
