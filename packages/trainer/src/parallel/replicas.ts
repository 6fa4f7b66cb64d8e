import { type BatchPart, Params, Rng } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import type { TeamPlace } from './team-place.js';

/** The copies of one model in the processes of a team, as a training step sees them. */
export interface Replicas {
  /** This process's share of every batch. */
  readonly part: BatchPart;
  /** Mean over the processes, by key. @param name of this mean, another for each in a step */
  mean(params: Params, name: string): Params;
  /** What the first process has. Tensors that are no float32 (counts) stay: they are equal in all processes. */
  first(params: Params, name: string): Params;
}

/**
 * A process's view of its team: means by all-reduce, its own rows of each batch.
 * @param team place of this process, and how tensors are summed over all
 */
export function replicasOf({ rank, world, allReduce }: TeamPlace): Replicas {
  const reduced = (params: Params, options: Parameters<TeamPlace['allReduce']>[1]): Params => {
    const keys = [...params.keys()];
    const tensors = allReduce([...params.values()], options);
    return new Params(keys.map((key, i) => [key, tensors[i]!]));
  };
  return {
    part: { index: rank, of: world },
    mean: (params, name) => (params.size === 0 ? params : reduced(params, { name, mean: true })),
    first: (params, name) => {
      const shared = params.filter((key) => params.of({ key }).dtype === 'float32');
      if (shared.size === 0) return params;
      const own = rank === 0 ? shared : shared.map((tensor) => tf.zerosLike(tensor));
      return params.merge(reduced(own, { name }));
    },
  };
}

/** The source of all that a step draws: with replicas, this process's rows of what one with the whole batch would draw. */
export const stepRng = (seed: tf.Tensor1D, replicas: Replicas | undefined): Rng =>
  replicas ? Rng.from(seed).share(replicas.part) : Rng.from(seed);
