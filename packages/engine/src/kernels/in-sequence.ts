import * as tf from '@tensorflow/tfjs-core';
import { currentEngine } from '../engine.js';

/**
 * Compute parts in order. At once they run so anyway; in a traced function each one is made to wait for the one before, so
 * that what only one part needs is there once. What each leaves behind is freed.
 */
export function inSequence<Part, Result extends tf.Tensor>(
  parts: readonly Part[],
  compute: (part: Part) => Result[],
): Result[][] {
  const { trace } = currentEngine().binding;
  let last: Result[] = [];
  return parts.map((part) => {
    const run = (): Result[] => tf.tidy(() => compute(part));
    if (trace === null) return run();
    last = after(last, run);
    return last;
  });
}

/** Run `build` so that each node it adds to the function being traced waits for `tensors`: what it makes is not there before. */
export function after<T>(tensors: readonly tf.TensorInfo[], build: () => T): T {
  const { binding, backend } = currentEngine();
  const nodes = tensors.map((tensor) => backend.symbolOf(tensor).output.oper);
  return binding.trace!.following(nodes, build);
}
