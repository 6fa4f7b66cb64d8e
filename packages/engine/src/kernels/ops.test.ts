import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { callKernel, type PlainEngine, startPlainEngine } from '../../test/support/plain-engine.js';
import { boolAttr, defineKernel, FLOAT, intAttr, op, ops, stringAttr, typeAttr } from './ops.js';

let engine: PlainEngine;
beforeAll(async () => {
  engine = await startPlainEngine();
});

it("makes attributes of tfjs-node's kinds", () => {
  expect([FLOAT, typeAttr('Tidx', 3), boolAttr('on', false), intAttr('k', [1, 2]), stringAttr('pad', 'SAME')]).toEqual([
    { name: 'T', type: 4, value: 1 },
    { name: 'Tidx', type: 4, value: 3 },
    { name: 'on', type: 3, value: false },
    { name: 'k', type: 1, value: [1, 2] },
    { name: 'pad', type: 0, value: 'SAME' },
  ]);
});

it('runs operations of one and of several results by name', () => {
  const x = tf.scalar(1);
  engine.operations.length = 0;
  expect(op('Neg', [FLOAT], [x])).toBeInstanceOf(tf.Tensor);
  expect(ops('Split', [], [x], 3)).toHaveLength(3);
  expect(engine.operations[0]).toEqual({ name: 'Neg', attrs: [FLOAT], inputs: [x] });
});

it('defines kernels that free what they leave behind, and keep inputs and results', () => {
  const kernel = defineKernel<{ x: tf.Tensor }, { times: number }>('Scaled', ({ x }, { times }) => {
    const square = tf.square(x);
    return [tf.mul(square, times), tf.neg(square)];
  });
  expect(kernel).toMatchObject({ kernelName: 'Scaled', backendName: 'tensorflow' });
  const x = tf.tensor([1, 2]);
  const before = tf.memory().numTensors;
  const results = callKernel(kernel, { x }, { times: 10 });
  expect(tf.memory().numTensors).toBe(before + 2);
  expect(results.map((result) => [...result.dataSync()])).toEqual([
    [10, 40],
    [-1, -4],
  ]);
  expect(x.isDisposed).toBe(false);
});
