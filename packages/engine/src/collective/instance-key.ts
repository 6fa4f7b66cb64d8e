import type { TensorInfo } from '@tensorflow/tfjs-core';
import { EngineError } from '../errors.js';

const names = new Map<number, string>();

/**
 * The number by which TensorFlow knows an all-reduce. It follows from name, place, shape and type alone, so that all
 * processes agree on it without a word, whatever each of them has done before.
 * @throws EngineError if another one has the same number: 1 in 2^31 for a pair
 */
export function instanceKey(name: string, place: number, { shape, dtype }: TensorInfo): number {
  const full = `${name}/${place}:${dtype}[${shape.join(',')}]`;
  let hash = 0x811c9dc5;
  for (let i = 0; i < full.length; i++) hash = Math.imul(hash ^ full.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  const key = (hash ^ (hash >>> 16)) & 0x7fffffff;
  const other = names.get(key);
  if (other !== undefined && other !== full)
    throw new EngineError(`allReduce: '${full}' and '${other}' hash to one number; rename one of them`, {
      code: 'usage',
      op: 'allReduce',
    });
  names.set(key, full);
  return key;
}
