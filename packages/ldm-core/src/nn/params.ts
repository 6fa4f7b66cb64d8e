import * as tf from '@tensorflow/tfjs-core';
import type { ParamKey } from './scope.js';

/**
 * One set of weights: checkpoint key -> tensor, read-only by convention. A Map, so that a compiled step takes and returns
 * it like any other nesting of tensors. Several `Params` (current, EMA, tuned) serve one model.
 */
export class Params extends Map<string, tf.Tensor> {
  /** The tensor of a declared parameter. @throws Error naming the key if this set lacks it. */
  of<R extends tf.Rank>(key: ParamKey<R>): tf.Tensor<R> {
    const tensor = this.get(key.key);
    if (tensor === undefined) throw new Error(`params: no tensor for '${key.key}' (${this.size} keys held)`);
    return tensor as tf.Tensor<R>;
  }

  /** The entries at or below a path: `under('model')` keeps `model` and `model.*`. Keys stay whole. */
  under(path: string): Params {
    return path === '' ? this : this.filter((key) => key === path || key.startsWith(`${path}.`));
  }

  /** The entries whose key passes. Tensors are shared, not copied. */
  filter(keep: (key: string) => boolean): Params {
    return new Params([...this].filter(([key]) => keep(key)));
  }

  /** Both sets; where both hold a key, `other` wins. Tensors are shared, not copied. */
  merge(other: ReadonlyMap<string, tf.Tensor>): Params {
    return new Params([...this, ...other]);
  }

  /** A new set of the same keys. */
  map(fn: (tensor: tf.Tensor, key: string) => tf.Tensor): Params {
    return new Params([...this].map(([key, tensor]) => [key, fn(tensor, key)]));
  }

  /** Free every tensor. Sets made by `under`, `filter` and `merge` share theirs and die with them. */
  dispose(): void {
    tf.dispose([...this.values()]);
  }
}
