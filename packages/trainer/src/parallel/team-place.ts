import type * as tf from '@tensorflow/tfjs-core';

/**
 * Sums tensors over all processes of a team, or takes their mean; every process gets the same bits. Works inside compiled
 * functions too. The engine's `allReduce` is one.
 */
export type AllReduce = (
  tensors: readonly tf.Tensor[],
  options: { readonly name: string; readonly mean?: boolean },
) => tf.Tensor[];

/** One of the processes that train a model together, each on its share of every batch. */
export interface TeamPlace {
  /** 0 for the one that writes checkpoints and logs, and validates. */
  readonly rank: number;
  readonly world: number;
  readonly allReduce: AllReduce;
}
