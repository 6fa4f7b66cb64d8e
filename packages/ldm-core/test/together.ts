import * as tf from '@tensorflow/tfjs-core';
import type { BatchReplicas } from '../src/nn/batch-replicas.js';

/**
 * Run what several replicas do, in one process. A replica cannot wait for the others, so all of them are run again and
 * again: each round finds one more mean, because all that lead to it are known.
 * @param run pure: what a replica does @returns what each of them gives back
 */
export function together<T>(count: number, run: (replicas: BatchReplicas, index: number) => T): T[] {
  const means: tf.Tensor[] = [];
  for (;;) {
    const handedIn = Array.from({ length: count }, (): tf.Tensor[] => []);
    const results = handedIn.map((own, index) => {
      const mean = (x: tf.Tensor) => {
        const call = own.push(tf.keep(tf.clone(x))) - 1;
        return tf.clone(means[call] ?? x);
      };
      return run({ count, mean }, index);
    });
    const next = handedIn.map((own) => own[means.length]);
    const missing = next.filter((tensor) => tensor === undefined).length;
    if (missing === count) return results;
    if (missing > 0) throw new Error(`together: ${missing} of ${count} replicas ask for fewer means than the others`);
    means.push(tf.keep(tf.tidy(() => tf.div(tf.addN(next as tf.Tensor[]), count))));
  }
}

/** The part of a batch that each of several replicas has. */
export const partsOf = <T extends tf.Tensor>(batch: T, count: number): T[] => tf.split(batch, count);
