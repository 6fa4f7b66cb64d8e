import { disposeReplaced, tidyTree } from '@codiff/ldm-core';

/**
 * Makes a function of tensors faster, without another result. `state` is the index of an argument that each call consumes
 * and whose successor is a member of the result; `precision` is what it computes in where it is safe, tensors stay float32. The engine's `compile` is one; {@link eagerly} is the default.
 */
export type Compile = <A extends unknown[], R>(
  fn: (...args: A) => R,
  options: { readonly name: string; readonly state?: number; readonly precision?: 'float32' | 'bfloat16' },
) => (...args: A) => R;

/** Op by op: intermediates are freed after each call, and so are the tensors of a consumed state that has a successor. */
export const eagerly: Compile =
  (fn, { state }) =>
  (...args) => {
    const result = tidyTree(() => fn(...args));
    if (state !== undefined) disposeReplaced(args[state], result);
    return result;
  };

/** The same, computing in another number format. */
export const withPrecision =
  (compile: Compile, precision: 'float32' | 'bfloat16'): Compile =>
  (fn, options) =>
    compile(fn, { ...options, precision });
