import * as tf from '@tensorflow/tfjs-core';

/**
 * Run `fn` as if no gradient were being taken: what it returns counts as a constant, and it may take gradients of its own.
 * (tfjs has one tape and no stop-gradient: a gradient taken inside a function that is being differentiated is itself
 * recorded, to be differentiated a second time; one taken inside a gradient function would clear the tape being walked.)
 */
export function offTape<T>(fn: () => T): T {
  const { state } = tf.engine();
  const { activeTape, gradientDepth } = state;
  state.activeTape = [];
  state.gradientDepth = 0;
  try {
    return fn();
  } catch (error) {
    discardTape();
    throw error;
  } finally {
    state.activeTape = activeTape;
    state.gradientDepth = gradientDepth;
  }
}

/**
 * After a failure, free what the tape has saved for the backward pass: tfjs would leave it allocated for ever. Does nothing
 * while an outer gradient still records.
 */
export function discardTape(): void {
  const { state } = tf.engine();
  if (state.gradientDepth > 0 || state.activeTape == null) return;
  for (const node of state.activeTape) tf.dispose(node.saved ?? []);
  state.activeTape = [];
}
