import * as tf from '@tensorflow/tfjs-core';
import { toMemory } from './file-layout.js';
import { hashText } from './hash.js';
import { Params } from './params.js';
import { Philox } from './philox.js';
import type { Init, ParamSpec } from './scope.js';

/**
 * Inputs that feed one output: what weights of [out, in] or [kh, kw, in, out] sum over.
 * @param shape of a weight in memory, [out, in] or [kh, kw, in, out]
 * @throws Error for any other rank
 */
export function fanIn(shape: readonly number[]): number {
  if (shape.length === 2) return shape[1]!;
  if (shape.length === 4) return shape[0]! * shape[1]! * shape[2]!;
  throw new Error(`fanIn: shape [${shape}] is neither [out, in] nor [kh, kw, in, out]`);
}

/** PyTorch's default of linear and convolution layers, weight and bias alike: uniform in ±1/sqrt(fanIn). */
export const kaiming = (fanIn: number): Init => ({ kind: 'uniform', bound: 1 / Math.sqrt(fanIn) });

/** Every value 0. */
export const zeros: Init = { kind: 'constant', value: 0 };

/** Every value 1. */
export const ones: Init = { kind: 'constant', value: 1 };

/** Gaussian. */
export const normal = (mean: number, std: number): Init => ({ kind: 'normal', mean, std });

/**
 * First values of one parameter, in memory's layout. Element i of the file's order is a function of (seed, key, i) alone,
 * so neither other parameters nor our layout change it.
 * @param seed any integer; its low 32 bits count
 * @throws Error if the spec holds its values, and not as many as its shape
 */
export function initialValues(spec: ParamSpec, seed: number): Float32Array | Int32Array {
  const size = spec.shape.reduce((product, dim) => product * dim, 1);
  const { init } = spec;
  const values = spec.dtype === 'int32' ? new Int32Array(size) : new Float32Array(size);
  switch (init.kind) {
    case 'constant':
      return values.fill(init.value);
    case 'values':
      if (init.values.length !== size) {
        throw new Error(`initialValues: '${spec.key}' is [${spec.shape}], its init holds ${init.values.length} values`);
      }
      values.set(init.values);
      return values;
    case 'copy':
      return initialValues(init.of, seed);
    case 'uniform':
      new Philox(seed, hashText(spec.key)).uniform(values, -init.bound, init.bound);
      return toMemory(spec, values);
    case 'normal':
      new Philox(seed, hashText(spec.key)).normal(values, init.mean, init.std);
      return toMemory(spec, values);
  }
}

/**
 * A full set of first weights on the current backend. The caller owns it.
 * @param only keys to make; all by default
 */
export function initParams(
  specs: ReadonlyMap<string, ParamSpec>,
  seed: number,
  only: (key: string) => boolean = () => true,
): Params {
  const params = new Params();
  for (const [key, spec] of specs) {
    if (only(key)) params.set(key, tf.tensor(initialValues(spec, seed), [...spec.shape], spec.dtype));
  }
  return params;
}
