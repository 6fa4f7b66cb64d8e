import { Tensor } from '@tensorflow/tfjs-core';
import { isPlainObject } from './structure.js';

/** Functions and objects of classes are told apart by identity: a number for each one seen. */
const numbers = new WeakMap<object, number>();
let count = 0;

function numberOf(value: object): number {
  const number = numbers.get(value) ?? ++count;
  numbers.set(value, number);
  return number;
}

const isIdentity = (value: unknown): value is object =>
  typeof value === 'function' || (typeof value === 'object' && value !== null);

const nameOf = (value: object): string =>
  typeof value === 'function' ? 'function' : (value.constructor?.name ?? 'object');

/** Every leaf of a nesting with its path, as text that tells two signatures apart. */
export function describeLeaves(value: unknown, path: string, into = new Map<string, string>()): Map<string, string> {
  if (value instanceof Tensor) into.set(path, `${value.dtype} [${value.shape.join(',')}]`);
  else if (Array.isArray(value)) {
    value.forEach((item, i) => {
      describeLeaves(item, `${path}[${i}]`, into);
    });
  } else if (value instanceof Map)
    for (const [key, item] of value) describeLeaves(item, `${path}.get(${JSON.stringify(key)})`, into);
  else if (isPlainObject(value))
    for (const [key, item] of Object.entries(value)) describeLeaves(item, `${path}.${key}`, into);
  else into.set(path, isIdentity(value) ? `${nameOf(value)} #${numberOf(value)}` : String(value));
  return into;
}

/** The first leaf in which two descriptions differ: path, before, after. */
export function firstDifference(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): readonly [path: string, before: string, after: string] | null {
  for (const [path, text] of after) {
    const old = before.get(path);
    if (old !== text) return [path, old ?? 'absent', text];
  }
  for (const [path, text] of before) if (!after.has(path)) return [path, text, 'absent'];
  return null;
}
