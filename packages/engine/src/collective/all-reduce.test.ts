import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { freePorts } from '../../test/support/free-ports.js';
import { thrownBy, valuesOf } from '../../test/support/start-engine.js';
import { compile } from '../compile/index.js';
import { useEngine } from '../use-engine.js';
import { allReduce } from './all-reduce.js';

// A cluster of one: sums are what was given. Several processes are in test/collective.test.ts.
describe.skipIf(process.platform !== 'linux')('allReduce in a cluster of one process', () => {
  beforeAll(async () => {
    tf.enableProdMode();
    const [port] = await freePorts(1);
    await useEngine({ device: 'cpu', cluster: { tasks: [`127.0.0.1:${port}`], index: 0 } });
  });

  it('gives tensors back in their order, shapes and types, and leaves those that it was given', () => {
    const given = [tf.tensor2d([[1, 2]]), tf.tensor1d([3, 4], 'int32'), tf.scalar(5)];
    const before = tf.memory().numTensors;
    const sums = allReduce(given, { name: 'eager' });
    expect(tf.memory().numTensors).toBe(before + 3);
    expect(sums.map(({ shape, dtype }) => [shape, dtype])).toEqual([
      [[1, 2], 'float32'],
      [[2], 'int32'],
      [[], 'float32'],
    ]);
    expect(sums.map(valuesOf)).toEqual([[1, 2], [3, 4], [5]]);
    expect(given.map(valuesOf)).toEqual([[1, 2], [3, 4], [5]]);
    tf.dispose([given, sums]);
  });

  it('divides a mean by the number of processes, inside a compiled function too', () => {
    const mean = compile((x: tf.Tensor) => allReduce([tf.mul(x, 2)], { name: 'inside', mean: true })[0]!);
    const [x, y] = [tf.tensor1d([1, 3]), tf.tensor1d([5, 7])];
    for (const [input, wanted] of [
      [x, [2, 6]],
      [y, [10, 14]],
    ] as const) {
      const result = mean(input);
      expect(valuesOf(result)).toEqual(wanted);
      result.dispose();
    }
    mean.dispose();
    tf.dispose([x, y]);
  });

  it.each([
    ['bool', false, 'a tensor [2] is bool; wanted float32 or int32'],
    ['int32', true, 'a tensor [2] is int32; wanted float32 for a mean'],
  ] as const)('refuses %s where it cannot be summed (mean: %s)', (dtype, mean, message) => {
    const tensor = tf.cast(tf.tensor1d([1, 0]), dtype);
    expect(thrownBy(() => allReduce([tensor], { name: 'x', mean }))).toMatchObject({
      code: 'usage',
      message: expect.stringContaining(`allReduce 'x': ${message}`),
    });
  });

  it('refuses two of one name and shape in a function', () => {
    const twice = compile((x: tf.Tensor) => [allReduce([x], { name: 'same' }), allReduce([x], { name: 'same' })]);
    expect(thrownBy(() => twice(tf.scalar(1))).message).toMatch(/is in the function a second time.*name of its own/);
  });
});
