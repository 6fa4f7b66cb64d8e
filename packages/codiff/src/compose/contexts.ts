import { type ContextKeys, mapTensors, tidyTree } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';

/** Something for each condition of a collaborative model, by the condition's name. */
export type ByCondition<T> = Readonly<Record<string, T>>;

/**
 * What each branch and its dynamic diffuser attend to: embeddings [B,L,D], or the ready keys and values of both networks.
 */
export type Contexts = ByCondition<tf.Tensor3D | ContextKeys>;

/**
 * Refuses conditions that the model does not have, and the lack of one.
 * @param where the caller, for the error @param given names
 * @throws RangeError naming both lists
 */
export function checkConditions(where: string, given: Iterable<string>, wanted: readonly string[]): void {
  const names = [...given];
  const unknown = names.filter((name) => !wanted.includes(name));
  const missing = wanted.filter((name) => !names.includes(name));
  if (unknown.length === 0 && missing.length === 0 && names.length === wanted.length) return;
  const problems = [
    ...unknown.map((name) => `unknown '${name}'`),
    ...missing.map((name) => `missing '${name}'`),
    ...(unknown.length + missing.length === 0 ? ['one of them twice'] : []),
  ];
  throw new RangeError(
    `${where}: the conditions are [${wanted.join(', ')}], got [${names.join(', ')}]: ${problems.join(', ')}`,
  );
}

/**
 * Contexts of one prompt for a batch of images: conditions are encoded once, and repeated.
 * @param contexts of a batch of one @param batch number of images @returns copies, the caller's
 * @throws RangeError if they are of another batch
 */
export function repeatContexts<C extends Contexts>(contexts: C, batch: number): C {
  return tidyTree(() =>
    mapTensors(contexts, (tensor) => {
      if (tensor.shape[0] !== 1) {
        throw new RangeError(`contexts: [${tensor.shape}] cannot be repeated; wanted a batch of one`);
      }
      return tf.tile(tensor, [batch, ...tensor.shape.slice(1).map(() => 1)]);
    }),
  );
}

/**
 * Two sets of contexts as one batch, the first half from `uncond`: what classifier-free guidance of a collaborative model
 * runs on (`guidedPair`). Influence maps then come for both halves.
 * @throws RangeError if the two do not hold the same
 */
export function joinContexts(uncond: Contexts, cond: Contexts): Contexts {
  checkConditions('contexts to join', Object.keys(uncond), Object.keys(cond));
  const joinAll = (a: ContextKeys, b: ContextKeys, where: string): ContextKeys => {
    const names = Object.keys(b);
    if (Object.keys(a).length !== names.length || names.some((name) => !Object.hasOwn(a, name))) {
      throw new RangeError(`contexts to join, ${where}: keys and values of different networks`);
    }
    return Object.fromEntries(names.map((name) => [name, tf.concat([a[name]!, b[name]!], 0)]));
  };
  return tidyTree(() =>
    Object.fromEntries(
      Object.keys(cond).map((condition) => {
        const [a, b] = [uncond[condition]!, cond[condition]!];
        if (a instanceof tf.Tensor !== b instanceof tf.Tensor) {
          throw new RangeError(
            `contexts to join, ${condition}: embeddings beside keys and values; wanted two of a kind`,
          );
        }
        const joined =
          a instanceof tf.Tensor || b instanceof tf.Tensor
            ? tf.concat([a as tf.Tensor3D, b as tf.Tensor3D], 0)
            : joinAll(a, b, condition);
        return [condition, joined];
      }),
    ),
  );
}
