import { Tensor } from '@tensorflow/tfjs-core';

/** Every leaf of a nesting with its path, as text that tells two signatures apart. */
export function describeLeaves(value: unknown, path: string, into = new Map<string, string>()): Map<string, string> {
  if (value instanceof Tensor) into.set(path, `${value.dtype} [${value.shape.join(',')}]`);
  else if (Array.isArray(value)) {
    value.forEach((item, i) => {
      describeLeaves(item, `${path}[${i}]`, into);
    });
  } else if (value instanceof Map)
    for (const [key, item] of value) describeLeaves(item, `${path}.get(${JSON.stringify(key)})`, into);
  else if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype)
    for (const [key, item] of Object.entries(value)) describeLeaves(item, `${path}.${key}`, into);
  else into.set(path, typeof value === 'function' ? 'function' : String(value));
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
