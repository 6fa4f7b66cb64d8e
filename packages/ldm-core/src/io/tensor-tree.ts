import { CheckpointError } from './checkpoint-error.js';
import { PickleDict, PickleGlobal, PickleObject, PickleTuple, type PickleValue } from './pickle-value.js';
import { StoredTensor } from './stored-tensor.js';

/** How deep dictionaries and lists may nest. */
const MAX_DEPTH = 64;
/** How many values are visited: shared containers can spell out exponentially many paths. */
const MAX_VALUES = 2_000_000;

/**
 * The tensors of a pickled value under dotted keys: `{a: {b: t}}` is `a.b`, list items go by index, classes by path.
 * @param file for messages
 * @throws CheckpointError if two tensors share a key, or nesting has no end
 */
export function flattenTensors(file: string, root: PickleValue, path = ''): Map<string, StoredTensor> {
  const found = new Map<string, StoredTensor>();
  let visited = 0;
  const fail = (key: string, problem: string): never => {
    throw new CheckpointError({
      file,
      key: key.slice(0, 200),
      problem,
      advice: 'no state_dict looks like this; do not trust it',
    });
  };
  const visit = (value: PickleValue, key: string, depth: number): void => {
    if (++visited > MAX_VALUES) fail(key, `more than ${MAX_VALUES} values`);
    if (value instanceof StoredTensor) {
      if (found.has(key)) fail(key, 'two tensors have this key');
      found.set(key, value);
      return;
    }
    if (value === null || typeof value !== 'object') return;
    if (depth > MAX_DEPTH) fail(key, `nested more than ${MAX_DEPTH} deep`);
    for (const [name, child] of children(value)) {
      if (child !== null && typeof child === 'object') visit(child, key === '' ? name : `${key}.${name}`, depth + 1);
      else visited++;
    }
  };
  visit(root, path, 0);
  return found;
}

function* children(value: PickleValue): Iterable<readonly [string, PickleValue]> {
  if (value instanceof PickleDict) {
    for (const [key, child] of value.entries) yield [keyName(key), child];
  } else if (Array.isArray(value)) {
    for (const [i, child] of value.entries()) yield [String(i), child];
  } else if (value instanceof PickleTuple) {
    for (const [i, child] of value.items.entries()) yield [String(i), child];
  } else if (value instanceof PickleObject) {
    for (const [key, child] of value.entries) yield [keyName(key), child];
  }
}

/** A dictionary key as text. */
export function keyName(key: PickleValue): string {
  if (typeof key === 'string') return key;
  if (key instanceof PickleGlobal) return key.path;
  if (key instanceof PickleTuple) return '(tuple)';
  return key === null || typeof key !== 'object' ? String(key) : `(${key.constructor.name})`;
}

/**
 * The weights of a pickled checkpoint: those under `state_dict` if it has that key, else all its tensors; a file that is
 * one tensor has the key ''.
 * @throws CheckpointError if there is no tensor at all
 */
export function weightsOf(file: string, root: PickleValue): Map<string, StoredTensor> {
  const stateDict = root instanceof PickleDict ? root.get('state_dict') : undefined;
  const tensors = flattenTensors(file, stateDict ?? root);
  if (tensors.size > 0) return tensors;
  const module = root instanceof PickleObject ? root.type.path : undefined;
  throw new CheckpointError({
    file,
    problem: module === undefined ? 'holds no tensors' : `holds an object of ${module}, not a dictionary of tensors`,
    advice: 'save the weights with torch.save(model.state_dict(), path)',
  });
}
