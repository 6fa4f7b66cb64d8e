import type * as tf from '@tensorflow/tfjs-core';
import { download } from './plain-tensor.js';

type Plain = ReturnType<typeof download>;

/** The plain values of an operation's results. */
export function downloadAll(results: tf.Tensor | tf.Tensor[]): Plain[] {
  return (Array.isArray(results) ? results : [results]).map(download);
}

/**
 * @throws Error naming the first element, shape or type that differs
 * @param tolerance largest error relative to max(1, |wanted|); NaN equals NaN
 */
export function expectClose(got: readonly Plain[], wanted: readonly Plain[], tolerance: number): void {
  if (got.length !== wanted.length) throw new Error(`${got.length} results, wanted ${wanted.length}`);
  wanted.forEach((want, i) => {
    const have = got[i]!;
    if (have.dtype !== want.dtype) throw new Error(`result ${i} is ${have.dtype}, wanted ${want.dtype}`);
    if (have.shape.join() !== want.shape.join())
      throw new Error(`result ${i} is [${have.shape}], wanted [${want.shape}]`);
    want.values.forEach((value, at) => {
      const mine = have.values[at]!;
      if (Object.is(mine, value) || mine === value) return;
      if (Math.abs(mine - value) <= tolerance * Math.max(1, Math.abs(value))) return;
      throw new Error(`result ${i} [${want.shape}] element ${at} is ${mine}, wanted ${value} (tolerance ${tolerance})`);
    });
  });
}
