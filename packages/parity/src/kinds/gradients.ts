import type { ParamSpec, Params } from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';
import type { Comparison } from '../compare/measure.js';
import { toFileLayout } from '../weights/resolve.js';
import type { CaseContext, Outputs } from './kind.js';

/** Store tensors of parameters under `<prefix><key>`, in the original's layout, where the case has such outputs. */
export async function putParams(
  prefix: string,
  tensors: ReadonlyMap<string, tf.Tensor>,
  specs: ReadonlyMap<string, ParamSpec>,
  { wants }: Pick<CaseContext, 'wants'>,
  outputs: Outputs,
): Promise<void> {
  for (const [key, tensor] of tensors) {
    const spec = specs.get(key);
    if (spec !== undefined && wants(prefix + key)) outputs.set(prefix + key, await toFileLayout(spec, tensor));
  }
}

/** Hold the gradients that vanish in exact arithmetic against their limit. */
export async function checkZeroGradients(
  { limit, keys }: { readonly limit: number; readonly keys: readonly string[] },
  grads: Params,
  { check }: Pick<CaseContext, 'check'>,
): Promise<void> {
  for (const key of keys) {
    const grad = grads.get(key);
    const name = `zero_gradient.${key}`;
    if (grad === undefined) check(name, { ok: false, limit, note: 'no parameter of this name has a gradient' });
    else check(name, below(await grad.data(), limit));
  }
}

function below(values: ArrayLike<number>, limit: number): Comparison {
  let error = 0;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) return { ok: false, limit, note: `element ${i} is ${values[i]}` };
    error = Math.max(error, Math.abs(values[i]!));
  }
  return { ok: error < limit, error, limit };
}
