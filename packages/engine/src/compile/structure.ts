import { Tensor } from '@tensorflow/tfjs-core';
import { EngineError } from '../errors.js';

/** A nesting of arrays, objects and Maps with its tensors taken out, to be put together again with others. */
export interface Structure {
  /** The tensors, in a fixed order. */
  readonly tensors: Tensor[];
  /** Everything that a traced function may depend on beside the tensors' values: shapes, types, keys, plain values. */
  readonly signature: unknown[];
  /** The same nesting with other tensors, given in the same order. */
  rebuild(tensors: readonly Tensor[]): unknown;
}

/** Marks of the kinds of nesting in a signature: no plain value can equal them. */
const TENSOR = Symbol('tensor');
const ARRAY = Symbol('array');
const MAP = Symbol('map');
const OBJECT = Symbol('object');

type Rebuild = (next: () => Tensor) => unknown;

/**
 * Take a value apart. Arrays, plain objects and Maps (subclasses too) are containers; tensors are leaves; numbers, strings,
 * booleans, functions and other objects are plain values, compared by identity.
 * @param path how messages name the value, e.g. `args[1]`
 * @throws EngineError for an object of a class that holds tensors, which could not be put together again
 */
export function takeApart(value: unknown, path: string): Structure {
  const tensors: Tensor[] = [];
  const signature: unknown[] = [];
  const build = visit(value, path, tensors, signature);
  return {
    tensors,
    signature,
    rebuild: (replacements) => {
      let at = 0;
      return build(() => replacements[at++]!);
    },
  };
}

function visit(value: unknown, path: string, tensors: Tensor[], signature: unknown[]): Rebuild {
  if (value instanceof Tensor) {
    tensors.push(value);
    signature.push(TENSOR, value.dtype, value.rank, ...value.shape);
    return (next) => next();
  }
  if (Array.isArray(value)) {
    signature.push(ARRAY, value.length);
    const items = value.map((item, i) => visit(item, `${path}[${i}]`, tensors, signature));
    return (next) => items.map((item) => item(next));
  }
  if (value instanceof Map) {
    signature.push(MAP, value.size);
    const entries: [unknown, Rebuild][] = [];
    for (const [key, item] of value) {
      signature.push(key);
      entries.push([key, visit(item, `${path}.get(${JSON.stringify(key)})`, tensors, signature)]);
    }
    const MapClass = value.constructor as new (entries: [unknown, unknown][]) => unknown;
    return (next) => new MapClass(entries.map(([key, item]) => [key, item(next)]));
  }
  if (isPlainObject(value)) {
    const entries = Object.entries(value);
    signature.push(OBJECT, entries.length);
    const items = entries.map(([key, item]) => {
      signature.push(key);
      return [key, visit(item, `${path}.${key}`, tensors, signature)] as const;
    });
    return (next) => Object.fromEntries(items.map(([key, item]) => [key, item(next)]));
  }
  if (ArrayBuffer.isView(value))
    throw new EngineError(
      `compile: ${path} is a ${value.constructor.name}, whose values could change unnoticed; pass a tensor (tf.tensor)`,
      { code: 'usage' },
    );
  if (typeof value === 'object' && value !== null) refuseHiddenTensors(value, path);
  signature.push(value);
  return () => value;
}

/** An object without a class of its own: a container, not a value. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function refuseHiddenTensors(value: object, path: string): void {
  const hidden = Object.entries(value).find(([, member]) => member instanceof Tensor);
  if (hidden === undefined) return;
  throw new EngineError(
    `compile: ${path} is an object of class ${value.constructor?.name} that holds a tensor ('${hidden[0]}'); pass the tensors themselves, in arrays, plain objects or Maps`,
    { code: 'usage' },
  );
}

/** Whether two signatures call for the same traced function. */
export function sameSignature(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
}
