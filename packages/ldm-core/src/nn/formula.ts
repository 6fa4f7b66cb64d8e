import * as tf from '@tensorflow/tfjs-core';
import { fromFile } from './file-layout.js';
import { initialValues } from './init.js';
import { Params } from './params.js';
import type { ParamSpec } from './scope.js';

/** FNV-1a, 32 bits, of the UTF-8 bytes of a text. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/**
 * A parameter's values by a rule that gives the same float32 bits in any language: element i is a hash of the name and of
 * i, scaled to keep activations of variance 1 (weights of rank 2 and more), near 1 (norms' weights), or near 0 (biases).
 * For tests and benchmarks against other implementations; the rule is written out in parity's `fixtures/FORMULA.md`.
 *
 * @param name the text that is hashed, usually the checkpoint key; one that ends in `.weight` counts as a weight
 * @param shape the checkpoint's shape, whose row-major index the rule counts
 * @returns values in the checkpoint's layout
 */
export function formulaValues(name: string, shape: readonly number[]): Float32Array {
  const values = new Float32Array(sizeOf(shape));
  if (shape.length === 0) return values;
  const hash = fnv1a(name);
  const scale = shape.length >= 2 ? Math.sqrt(3 / sizeOf(shape.slice(1))) : 0.1;
  const shift = shape.length === 1 && name.endsWith('.weight') ? 1 : 0;
  for (let i = 0; i < values.length; i++) {
    let x = (Math.imul(i, 0x9e3779b1) + hash) | 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    x = (x ^ (x >>> 16)) >>> 0;
    values[i] = shift + scale * ((x / 0x100000000) * 2 - 1);
  }
  return values;
}

/**
 * A full set of weights by {@link formulaValues}, on the current backend; buffers have what the constructor gives them.
 * The caller owns it.
 * @param prefix what is cut from the front of a key before it is hashed, so that a part of a model has the weights it would
 *   have alone
 */
export function formulaParams(specs: ReadonlyMap<string, ParamSpec>, prefix = ''): Params {
  const params = new Params();
  for (const [key, spec] of specs) {
    const name = key.startsWith(prefix) ? key.slice(prefix.length) : key;
    const values =
      spec.kind === 'buffer'
        ? initialValues(spec, 0)
        : fromFile(spec, formulaValues(name, spec.file?.shape ?? spec.shape));
    params.set(key, tf.tensor(values, [...spec.shape], spec.dtype));
  }
  return params;
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((size, dim) => size * dim, 1);
