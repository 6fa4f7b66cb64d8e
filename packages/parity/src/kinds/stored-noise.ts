import { type NoiseSource, replayNoise } from '@codiff/ldm-core';
import type { Inputs } from '../cases/inputs.js';
import { toImage, unstack } from '../cases/layout.js';

/** The noise of each step of a sampler, stored along the first axis of an input; none where eta is 0. */
export function storedNoise(inputs: Inputs, name: string, eta: number): NoiseSource | undefined {
  if (eta === 0) return undefined;
  const noises = inputs.host(name);
  return replayNoise(Array.from({ length: noises.shape[0] ?? 0 }, (_, i) => toImage(unstack(noises, i))));
}
