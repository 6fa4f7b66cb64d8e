import type { Params } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import type { OptimGroup, TrainState } from '../steps/train-state.js';
import { TrainError } from '../train-error.js';

// What a state holds beside the weights: the optimizers' counts and moments, and gradients that were added up.

const SETS = ['m', 'v', 'grads'] as const;

const setsOf = (group: OptimGroup): Record<(typeof SETS)[number], Params> => ({
  m: group.optim.m,
  v: group.optim.v,
  grads: group.grads,
});

/** Every tensor of it, under `<group>/step` and `<group>/<m, v or grads>/<parameter>`. Tensors are shared. */
export function optimizerMemory({ groups }: TrainState): Map<string, tf.Tensor> {
  const memory = new Map<string, tf.Tensor>();
  for (const [name, group] of Object.entries(groups)) {
    memory.set(`${name}/step`, group.optim.step);
    const sets = setsOf(group);
    for (const set of SETS) for (const [key, tensor] of sets[set]) memory.set(`${name}/${set}/${key}`, tensor);
  }
  return memory;
}

/**
 * A state with another's memory in place of its own, which is freed. The tensors given change hands.
 * @throws Error listing what is missing, left over or of another shape; nothing has changed hands then
 */
export function withOptimizerMemory(state: TrainState, memory: ReadonlyMap<string, tf.Tensor>): TrainState {
  const wanted = optimizerMemory(state);
  const same = (a: tf.Tensor, b: tf.Tensor | undefined): boolean =>
    b !== undefined && a.dtype === b.dtype && tf.util.arraysEqual(a.shape, b.shape);
  const wrong = [...wanted].flatMap(([name, tensor]) => (same(tensor, memory.get(name)) ? [] : [name]));
  const unknown = [...memory.keys()].filter((name) => !wanted.has(name));
  if (wrong.length + unknown.length > 0) {
    const some = (names: string[]) =>
      `${names.length} (${names.slice(0, 3).join(', ')}${names.length > 3 ? ', ...' : ''})`;
    throw new TrainError(
      `withOptimizerMemory: the optimizers are not those of this run: missing or of another shape ${some(wrong)}, left over ${some(unknown)}; go on with the configuration it was saved with`,
    );
  }
  const groups = Object.entries(state.groups).map(([name, group]): [string, OptimGroup] => {
    const take = (set: (typeof SETS)[number]): Params =>
      setsOf(group)[set].map((_, key) => memory.get(`${name}/${set}/${key}`)!);
    const step = memory.get(`${name}/step`) as tf.Scalar;
    return [name, { params: group.params, optim: { step, m: take('m'), v: take('v') }, grads: take('grads') }];
  });
  tf.dispose([...wanted.values()]);
  return { ...state, groups: Object.fromEntries(groups) };
}
