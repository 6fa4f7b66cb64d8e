/** Helpers of this package's tests; not exported. */
import '../src/nn/gradients.js';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { Rng } from '../src/nn/random.js';

/** Use the plain JavaScript backend: none of our kernels, so the composed forms run. */
export async function useCpu(): Promise<void> {
  tf.enableProdMode();
  await tf.setBackend('cpu');
}

/** Deterministic standard normal values. */
export function randn<R extends tf.Rank>(shape: readonly number[], seed: number): tf.Tensor<R> {
  return Rng.of(seed, 1234).normal<R>(shape);
}

/** Every element within `tolerance` of what was wanted, and finite. */
export function expectClose(
  got: tf.Tensor | ArrayLike<number>,
  wanted: tf.Tensor | ArrayLike<number>,
  tolerance: number,
) {
  const [a, b] = [valuesOf(got), valuesOf(wanted)];
  expect(a.length).toBe(b.length);
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(worst, difference);
  }
  expect(worst).toBeLessThanOrEqual(tolerance);
}

/** The tensor's values on the host. */
export function valuesOf(x: tf.Tensor | ArrayLike<number>): ArrayLike<number> {
  return x instanceof tf.Tensor ? x.dataSync() : x;
}

/** Run `fn` and check that it leaves no tensor behind but those it returns, which are then disposed. */
export function expectNoLeak(fn: () => tf.TensorContainer): void {
  const before = tf.memory().numTensors;
  tf.dispose(fn());
  expect(tf.memory().numTensors).toBe(before);
}

/**
 * Compare autodiff with central differences of a weighted sum of `op`'s output, element by element of every input.
 * @param tolerance of the absolute difference; the step is 1e-2, so about 1e-3 for functions of moderate curvature
 */
export function expectGradients(
  op: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: readonly tf.Tensor[],
  tolerance = 2e-3,
): void {
  const weights = randn(op(...inputs).shape, 99);
  const loss = (...tensors: tf.Tensor[]) => tf.sum(tf.mul(op(...tensors), weights)) as tf.Scalar;
  const grads = tf.grads(loss)([...inputs]);
  const step = 1e-2;
  inputs.forEach((input, which) => {
    const values = input.dataSync();
    const numeric = Array.from(values, (value, i) => {
      const at = (shift: number) => {
        const moved = Float32Array.from(values);
        moved[i] = value + shift;
        const tensors = inputs.map((x, j) => (j === which ? tf.tensor(moved, x.shape) : x));
        // Summed in double precision, so that only the op's own rounding is left.
        const [y, w] = [op(...tensors).dataSync(), weights.dataSync()];
        let sum = 0;
        for (let k = 0; k < y.length; k++) sum += y[k]! * w[k]!;
        return sum;
      };
      // Five points: the error is of fourth order in the step.
      return (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step);
    });
    expectClose(grads[which]!, numeric, tolerance);
  });
}
