/** Helpers of this package's tests; not exported. */
import '@tensorflow/tfjs-backend-cpu';
import { initParams, type ParamSpec, type Params, Rng } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';

/** Use the plain JavaScript backend: none of the engine's kernels. */
export async function useCpu(): Promise<void> {
  tf.enableProdMode();
  await tf.setBackend('cpu');
}

/** Deterministic standard normal values. */
export function randn<R extends tf.Rank>(shape: readonly number[], seed: number): tf.Tensor<R> {
  return Rng.of(seed, 77).normal<R>(shape);
}

/** A map or image of one value everywhere. */
export function flat(value: number, channels = 1): tf.Tensor4D {
  return tf.fill([1, 2, 2, channels], value) as tf.Tensor4D;
}

/** Every element within `tolerance` of what was wanted, and finite. */
export function expectClose(
  got: tf.Tensor | undefined,
  wanted: tf.Tensor | readonly number[],
  tolerance: number,
): void {
  expect(got).toBeDefined();
  const [a, b] = [got!.dataSync(), wanted instanceof tf.Tensor ? wanted.dataSync() : wanted];
  expect(a.length).toBe(b.length);
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(worst, difference);
  }
  expect(worst).toBeLessThanOrEqual(tolerance);
}

/** The largest difference is at most `limit` of the largest wanted value. */
export function expectMaxRel(got: tf.Tensor, wanted: tf.Tensor, limit: number): void {
  expectClose(got, wanted, limit * tf.tidy(() => tf.max(tf.abs(wanted)).dataSync()[0]!));
}

/** Every element is this number. */
export function expectFlat(got: tf.Tensor | undefined, value: number, tolerance = 1e-6): void {
  expectClose(got, new Array<number>(got?.size ?? 0).fill(value), tolerance);
}

/** Run `fn` and check that it leaves `kept` tensors more behind than there were. */
export async function expectTensors(kept: number, fn: () => unknown): Promise<void> {
  const before = tf.memory().numTensors;
  await fn();
  expect(tf.memory().numTensors - before).toBe(kept);
}

/** Weights in which nothing is left at zero, since a fresh network's last layers are. */
export function livelyParams(specs: ReadonlyMap<string, ParamSpec>, seed: number): Params {
  return initParams(specs, seed).map((tensor, key) => {
    const { kind, init } = specs.get(key)!;
    const isZero = kind === 'parameter' && init.kind === 'constant' && init.value === 0;
    if (!isZero) return tensor;
    tensor.dispose();
    return tf.tidy(() => tf.mul(Rng.of(seed).split(key).normal(tensor.shape), 0.1));
  });
}
