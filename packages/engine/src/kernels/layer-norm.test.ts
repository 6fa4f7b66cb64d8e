import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { largestDifference, runKernel, waves } from '../../test/support/kernel.js';
import { testWithoutLeaks } from '../../test/support/leak-free.js';
import { compile } from '../index.js';

testWithoutLeaks();

/** The definition over the last axis, in double precision. */
function defined(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, epsilon: number): number[] {
  const [values, a, b] = [x.dataSync(), scale.dataSync(), offset.dataSync()];
  const D = a.length;
  return Array.from({ length: values.length / D }, (_, row) => {
    const own = Array.from(values.slice(row * D, (row + 1) * D));
    const mean = own.reduce((sum, value) => sum + value, 0) / D;
    const variance = own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / D;
    return own.map((value, i) => ((value - mean) / Math.sqrt(variance + epsilon)) * a[i]! + b[i]!);
  }).flat();
}

describe.each([[[4, 6]], [[2, 3, 8]], [[2, 2, 2, 5]], [[7]]])('layer norm of %s', (shape) => {
  const D = shape.at(-1)!;
  const inputs = () => [tf.add(waves(shape, 0, 3), 10), waves([D], 1), waves([D], 2)] as const;

  // Inside functions one kernel of oneDNN does it, where the library has that.
  it.each(['eager', 'compiled', 'bfloat16'] as const)('is its definition, %s', (mode) => {
    const [x, scale, offset] = inputs();
    for (const epsilon of [1e-5, 0.1]) {
      const norm = (x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor) =>
        runKernel('LayerNorm', { x, scale, offset }, { epsilon })[0]!;
      const run = mode === 'eager' ? norm : compile(norm, { precision: mode === 'bfloat16' ? mode : 'float32' });
      const y = run(x, scale, offset);
      expect(y.shape).toEqual(shape);
      expect(largestDifference(y, defined(x, scale, offset, epsilon))).toBeLessThan(mode === 'bfloat16' ? 0.05 : 2e-5);
    }
  });
});
