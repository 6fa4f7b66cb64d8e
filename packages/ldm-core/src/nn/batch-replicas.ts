import * as tf from '@tensorflow/tfjs-core';

/**
 * The copies of a model that share one batch, as a layer over the whole batch sees them. Each copy holds an equal part of
 * the batch; all of them run the same operations in the same order.
 */
export interface BatchReplicas {
  /** Number of copies. */
  readonly count: number;
  /** Mean of what every copy hands in here, float32, the same bits for all. No gradient is asked of it. */
  mean(x: tf.Tensor): tf.Tensor;
}

/**
 * Mean over the replicas of a tensor that each of them has one of. Its gradient is the mean over them of the gradients, so
 * that what each differentiates is the sum of all their losses.
 * @param replicas absent: this is the only one, and x itself is returned
 */
export function meanOverReplicas<T extends tf.Tensor>(x: T, replicas: BatchReplicas | undefined): T {
  if (replicas === undefined) return x;
  const mean = tf.customGrad<T>((x) => ({
    value: replicas.mean(x as tf.Tensor) as T,
    gradFunc: (dy: T) => replicas.mean(dy),
  }));
  return mean(x);
}
