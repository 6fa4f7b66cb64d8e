import * as tf from '@tensorflow/tfjs-core';

/**
 * Run `fn` as if no gradient were being taken: what it returns counts as a constant, and it may take gradients of its own.
 * (tfjs has one tape and no stop-gradient: a gradient taken inside a function that is being differentiated is itself
 * recorded, to be differentiated a second time.)
 */
export function offTape<T>(fn: () => T): T {
  const { state } = tf.engine();
  const { activeTape, gradientDepth } = state;
  state.gradientDepth = 0;
  try {
    return fn();
  } finally {
    state.activeTape = activeTape;
    state.gradientDepth = gradientDepth;
  }
}
