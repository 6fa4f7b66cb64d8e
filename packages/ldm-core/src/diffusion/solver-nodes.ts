import { type Discretization, ddimTimesteps } from './ddim-schedule.js';
import type { Schedule } from './schedule.js';

/** What fixes the nodes of an ODE solver. */
export interface SolverOptions {
  /** Steps asked for, counted as in DDIM: see `ddimTimesteps`. */
  readonly steps: number;
  readonly discretize?: Discretization | undefined;
}

/**
 * The times at which a solver of the probability-flow ODE stands: DDIM's timesteps, each once, and 0 in front, where the
 * last step ends. Step `index` goes from node index + 1 to node index. Host arrays, float64.
 */
export interface SolverNodes {
  /** The timesteps that steps start from, strictly ascending: nodes 1, 2, ... */
  readonly timesteps: Int32Array;
  /** Timestep of each node; entry 0 is 0. */
  readonly times: Int32Array;
  /** √ᾱ of each node: α of DPM-Solver, scaling s of EDM. */
  readonly signal: Float64Array;
  /** √(1-ᾱ) of each node: σ of DPM-Solver. */
  readonly noise: Float64Array;
}

/**
 * Nodes on DDIM's short schedule, so that all samplers see the model at the same times. A timestep that the table repeats
 * (T-1 at the end of a full run, small ones of `quad`) would be a step of length 0, and is taken once.
 * @throws RangeError as `ddimTimesteps`
 */
export function makeSolverNodes(schedule: Schedule, { steps, discretize }: SolverOptions): SolverNodes {
  const timesteps = Int32Array.from(new Set(ddimTimesteps(schedule.timesteps, steps, discretize)));
  const times = Int32Array.from([0, ...timesteps]);
  return {
    timesteps,
    times,
    signal: Float64Array.from(times, (t) => schedule.sqrtAlphasCumprod[t]!),
    noise: Float64Array.from(times, (t) => schedule.sqrtOneMinusAlphasCumprod[t]!),
  };
}
