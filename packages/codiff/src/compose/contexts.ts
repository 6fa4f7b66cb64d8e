import type { ContextKeys } from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';

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
