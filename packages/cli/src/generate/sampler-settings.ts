import { countSteps, SamplerConfig, type SamplerName } from '@codiff/ldm-core';
import { UsageError } from '../usage-error.js';

/** Steps of the original's commands, where none are asked for. */
const DEFAULT_STEPS = 50;

/** The flags that say how to sample. */
export interface SamplerFlags {
  readonly sampler?: SamplerName | undefined;
  readonly ddim_steps?: string | undefined;
  readonly eta?: number | undefined;
}

/** A sampler with its settings, and how many steps that makes. */
export interface SamplerSettings {
  readonly config: SamplerConfig;
  /** Steps that are asked for. */
  readonly asked: number;
  /** Steps that are taken. */
  readonly taken: number;
}

/**
 * The sampler that the flags describe.
 * @param trainSteps T of the model
 * @throws UsageError for steps that there are not, and for noise that the sampler does not add
 */
export function samplerSettings(
  { sampler = 'ddim', ddim_steps, eta }: SamplerFlags,
  trainSteps: number,
): SamplerSettings {
  if (sampler === 'ddpm') {
    if (eta !== undefined) throw new UsageError('--eta: ddpm adds the noise of the model it samples; leave it out');
    if (ddim_steps !== undefined && ddim_steps !== String(trainSteps)) {
      throw new UsageError(`--ddim_steps is '${ddim_steps}', and ddpm takes all ${trainSteps} steps; leave it out`);
    }
    return { config: { name: 'ddpm' }, asked: trainSteps, taken: trainSteps };
  }
  const asked = ddim_steps === undefined ? DEFAULT_STEPS : wholeNumber(ddim_steps, trainSteps);
  let taken: number;
  try {
    taken = countSteps(trainSteps, asked);
  } catch {
    throw wrongSteps(ddim_steps ?? String(asked), trainSteps);
  }
  // A solver stands at each time once, and the last two of a full run are one time.
  if (sampler !== 'ddim' && sampler !== 'plms') taken = Math.min(taken, trainSteps - 1);
  if (sampler === 'ddim' && eta !== undefined && !(eta >= 0 && eta <= 1)) {
    throw new UsageError(`--eta is ${eta}; wanted a number from 0 (no noise) to 1 (as much as ddpm)`);
  }
  if (sampler !== 'ddim' && eta !== undefined && eta !== 0) {
    throw new UsageError(`--eta is ${eta}, and ${sampler} adds no noise; wanted 0, or --sampler ddim`);
  }
  const config = SamplerConfig.parse({ name: sampler, steps: asked, eta: sampler === 'ddim' ? (eta ?? 1) : 0 });
  return { config, asked, taken };
}

function wholeNumber(value: string, trainSteps: number): number {
  const number = Number(value);
  if (value.trim() === '' || !Number.isInteger(number)) throw wrongSteps(value, trainSteps);
  return number;
}

const wrongSteps = (value: string, T: number) =>
  new UsageError(`--ddim_steps is '${value}'; wanted a whole number from 1 to ${Math.floor(T / 2)}, or ${T}`);

/** What a user should know about the number of steps. */
export const stepsNote = ({ asked, taken }: SamplerSettings, trainSteps: number): string =>
  asked === taken
    ? `${taken} steps`
    : `${taken} steps (${asked} were asked for; one in ${Math.floor(trainSteps / asked)} of ${trainSteps} makes ${taken})`;
