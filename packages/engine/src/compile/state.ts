import type { Tensor } from '@tensorflow/tfjs-core';
import { EngineError } from '../errors.js';
import { type Structure, sameSignature, takeApart } from './structure.js';

/** Where a step's result holds its new state. */
export interface StateResult {
  /** The new state's tensors, in the order of the old one's. */
  readonly tensors: readonly Tensor[];
  /** For each tensor of the whole result: the index of the state tensor it is, or -1. */
  readonly indexOf: readonly number[];
}

/**
 * Find the new state in a step's result: the result itself, or one direct member of it, must have the nesting, shapes and
 * types of the state that went in.
 * @throws EngineError if no member does
 */
export function findState(label: string, state: Structure, result: unknown, whole: Structure): StateResult {
  for (const member of members(result)) {
    const part = takeApart(member, 'result');
    if (!sameSignature(part.signature, state.signature)) continue;
    const position = new Map(part.tensors.map((tensor, i) => [tensor, i]));
    if (position.size !== part.tensors.length)
      throw new EngineError(`compile '${label}': the new state holds one tensor twice; give each entry its own`, {
        code: 'usage',
      });
    return { tensors: part.tensors, indexOf: whole.tensors.map((tensor) => position.get(tensor) ?? -1) };
  }
  throw new EngineError(
    `compile '${label}': the result holds no new state; return the state, or an array or object one member of which has the same nesting, shapes and types as the state argument`,
    { code: 'usage' },
  );
}

function members(result: unknown): unknown[] {
  if (Array.isArray(result)) return [result, ...result];
  if (result instanceof Map) return [result, ...result.values()];
  return typeof result === 'object' && result !== null ? [result, ...Object.values(result)] : [result];
}
