import { type BatchPart, type BatchReplicas, Params, Rng } from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';
import type { TeamPlace } from './team-place.js';

/** The copies of one model in the processes of a team, as a training step sees them. */
export interface Replicas {
  /** This process's share of every batch. */
  readonly part: BatchPart;
  /** Mean over the processes, by key. @param name of this mean, another for each in a step */
  mean(params: Params, name: string): Params;
  /**
   * The same for layers over a whole batch, such as batch normalization. Their means count up in the order in which they
   * are asked for, which is the same everywhere, since all processes take the same step.
   * @param name of one pass over a batch, another for each in a step
   */
  sharing(name: string): BatchReplicas;
}

/**
 * A process's view of its team: means by all-reduce, its own rows of each batch.
 * @param team place of this process, and how tensors are summed over all
 */
export function replicasOf({ rank, world, allReduce }: TeamPlace): Replicas {
  return {
    part: { index: rank, of: world },
    mean: (params, name) => {
      if (params.size === 0) return params;
      const tensors = allReduce([...params.values()], { name, mean: true });
      return new Params([...params.keys()].map((key, i) => [key, tensors[i]!]));
    },
    sharing: (name) => {
      let count = 0;
      return {
        count: world,
        mean: (x) => allReduce([x], { name: `${name}, ${count++}`, mean: true })[0]!,
      };
    },
  };
}

/** The source of all that a step draws: with replicas, this process's rows of what one with the whole batch would draw. */
export const stepRng = (seed: tf.Tensor1D, replicas: Replicas | undefined): Rng =>
  replicas ? Rng.from(seed).share(replicas.part) : Rng.from(seed);
