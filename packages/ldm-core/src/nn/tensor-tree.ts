import * as tf from '@tensorflow/tfjs-core';
import { Params } from './params.js';

// A tree is a tensor, or arrays, plain objects and Maps (so also `Params`) of trees; anything else in it is carried along.

/** Every tensor of a tree, once, in order of appearance. */
export function tensorsOf(tree: unknown): tf.Tensor[] {
  const found = new Set<tf.Tensor>();
  mapTensors(tree, (tensor) => {
    found.add(tensor);
    return tensor;
  });
  return [...found];
}

/** The same tree with every tensor replaced. */
export function mapTensors<T>(tree: T, fn: (tensor: tf.Tensor) => tf.Tensor): T {
  return mapAny(tree, fn) as T;
}

function mapAny(tree: unknown, fn: (tensor: tf.Tensor) => tf.Tensor): unknown {
  if (tree instanceof tf.Tensor) return fn(tree);
  if (Array.isArray(tree)) return tree.map((each: unknown) => mapAny(each, fn));
  if (tree instanceof Params) return tree.map(fn);
  if (tree instanceof Map) return new Map([...tree].map(([key, each]) => [key, mapAny(each, fn)]));
  if (!isPlainObject(tree)) return tree;
  return Object.fromEntries(Object.entries(tree).map(([key, each]) => [key, mapAny(each, fn)]));
}

/**
 * `tf.tidy` that also keeps the tensors inside Maps. (tfjs looks into arrays and objects only, so a `Params` returned from
 * `tf.tidy` comes back disposed.)
 */
export function tidyTree<T>(fn: () => T): T {
  let result: { readonly tree: T } | undefined;
  tf.tidy(() => {
    const tree = fn();
    result = { tree };
    return tensorsOf(tree);
  });
  return result!.tree;
}

/** Dispose the tensors of `before` that `after` does not hold: what replacing a state leaves behind. */
export function disposeReplaced(before: unknown, after: unknown): void {
  const held = new Set(tensorsOf(after));
  tf.dispose(tensorsOf(before).filter((tensor) => !held.has(tensor)));
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
