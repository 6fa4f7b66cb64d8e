import { disposeReplaced, tidyTree } from '@codiff/ldm-core';

/**
 * Makes a function of tensors faster, without another result. `state` is the index of an argument that each call consumes
 * and whose successor is a member of the result. The engine's `compile` is one; {@link eagerly} is the default.
 */
export type Compile = <A extends unknown[], R>(
  fn: (...args: A) => R,
  options: { readonly name: string; readonly state?: number },
) => (...args: A) => R;

/** Op by op: intermediates are freed after each call, and so are the tensors of a consumed state that has a successor. */
export const eagerly: Compile =
  (fn, { state }) =>
  (...args) => {
    const result = tidyTree(() => fn(...args));
    if (state !== undefined) disposeReplaced(args[state], result);
    return result;
  };
