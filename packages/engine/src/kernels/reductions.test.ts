import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { largestDifference, waves } from '../../test/support/kernel.js';
import { type PlainEngine, startPlainEngine } from '../../test/support/plain-engine.js';
import { meanOfRows } from './reductions.js';

let engine: PlainEngine;
beforeAll(async () => {
  engine = await startPlainEngine();
});
beforeEach(() => Object.assign(engine, { onGpu: false, trace: null }));

/** The kernels that `fn` runs. */
async function kernelsOf(fn: () => tf.Tensor): Promise<string[]> {
  const { kernels } = await tf.profile(fn);
  return kernels.map(({ name }) => name);
}

describe('meanOfRows', () => {
  it.each([[[2, 7, 3]], [[1, 1, 4]], [[3, 5, 1]]])('of %s is the mean over the second axis', (shape) => {
    const x = waves(shape, 1, 5) as tf.Tensor3D;
    const mean = meanOfRows(x);
    expect(mean.shape).toEqual([shape[0], 1, shape[2]]);
    expect(largestDifference(mean, tf.mean(x, 1, true))).toBeLessThan(1e-6);
  });

  const x = () => waves([2, 4, 3]) as tf.Tensor3D;

  it('is a product where that is exact: on a CPU, eagerly and in float32 functions', async () => {
    expect(await kernelsOf(() => meanOfRows(x()))).toContain('BatchMatMul');
    engine.trace = { precision: 'float32', xla: false };
    expect(await kernelsOf(() => meanOfRows(x()))).toContain('BatchMatMul');
  });

  it.each([
    [6, 3],
    [1024, 2],
    [320, 2],
  ])('is the mean of many products in bfloat16, of %d rows', async (N, C) => {
    engine.trace = { precision: 'bfloat16', xla: false };
    const rows = waves([2, N, C], 1, 5) as tf.Tensor3D;
    expect(await kernelsOf(() => meanOfRows(rows))).toContain('BatchMatMul');
    expect(largestDifference(meanOfRows(rows), tf.mean(rows, 1, true))).toBeLessThan(1e-6);
  });

  it('is a reduction where a product would round: of rows in no parts, in float16, and on GPUs', async () => {
    engine.trace = { precision: 'bfloat16', xla: false };
    expect(await kernelsOf(() => meanOfRows(waves([1, 1021, 2]) as tf.Tensor3D))).not.toContain('BatchMatMul');
    engine.trace = { precision: 'float16', xla: false };
    expect(await kernelsOf(() => meanOfRows(x()))).not.toContain('BatchMatMul');
    for (const trace of [null, { precision: 'bfloat16', xla: false } as const]) {
      Object.assign(engine, { onGpu: true, trace });
      expect(await kernelsOf(() => meanOfRows(x()))).not.toContain('BatchMatMul');
    }
  });
});
