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
  const { binding, backend } = currentEngine();
  const { trace } = binding;
  let last: Result[] = [];
  return parts.map((part) => {
    const run = (): Result[] => tf.tidy(() => compute(part));
    if (trace === null) return run();
    const done = last.map((tensor) => binding.symbol(backend.getInputTensorIds([tensor])[0]!).output.oper);
    last = trace.following(done, run);
    return last;
  });
}
