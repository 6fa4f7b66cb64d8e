import * as tf from '@tensorflow/tfjs-core';
import { runKernelOr } from '../nn/kernel.js';
import { Params } from '../nn/params.js';
import { tidyTree } from '../nn/tensor-tree.js';

/** An exponential moving average of weights. */
export interface EmaState {
  /** Averaged weights, keyed like the weights themselves. */
  readonly shadow: Params;
  /** Updates so far, int32. Negative: the decay is constant from the first update on. */
  readonly numUpdates: tf.Scalar;
}

/** Options of `initEma`. */
export interface EmaOptions {
  /** Let the decay grow with the number of updates; true by default. */
  readonly useNumUpdates?: boolean;
}

/** Start with the weights themselves. The state owns copies. */
export function initEma(params: Params, { useNumUpdates = true }: EmaOptions = {}): EmaState {
  return {
    // Real copies: a clone would share memory with weights that a compiled step may overwrite.
    shadow: params.map((tensor) => tf.mul(tensor, tf.scalar(1, tensor.dtype === 'int32' ? 'int32' : 'float32'))),
    numUpdates: tf.scalar(useNumUpdates ? 0 : -1, 'int32'),
  };
}

/**
 * One update: n = numUpdates + 1; decay_n = min(decay, (1 + n) / (10 + n)); shadow <- shadow - (1 - decay_n)(shadow - p).
 * Weights are taken one after the other; keys of `params` that the shadow lacks are ignored.
 * @param decay upper limit of the decay, 0.9999 in the original
 * @returns the new state; the old one stays the caller's (see `disposeReplaced`)
 * @throws Error if `params` lacks a key of the shadow
 */
export function emaUpdate(state: EmaState, params: Params, decay = 0.9999): EmaState {
  return tidyTree(() => {
    const counts = tf.greaterEqual(state.numUpdates, tf.scalar(0, 'int32'));
    const numUpdates = tf.add(state.numUpdates, tf.cast(counts, 'int32')) as tf.Scalar;
    const n = tf.cast(numUpdates, 'float32');
    const growing = tf.minimum(decay, tf.div(tf.add(n, 1), tf.add(n, 10)));
    const rate = tf.sub(1, tf.where(counts, growing, tf.scalar(decay)));
    const shadow = new Params();
    for (const [key, old] of state.shadow) {
      const value = params.of({ key });
      const [next] = runKernelOr('EmaUpdate', { shadow: old, value, rate }, {}, () => [
        tf.tidy(() => tf.sub(old, tf.mul(tf.sub(old, value), rate))),
      ]);
      shadow.set(key, next!);
    }
    return { shadow, numUpdates };
  });
}

/** A weight's name among the averages of a checkpoint: its key without dots. */
export function emaName(key: string): string {
  return key.replaceAll('.', '');
}
