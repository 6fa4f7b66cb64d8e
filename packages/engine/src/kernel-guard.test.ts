import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { EngineError } from './errors.js';
import { guardKernels } from './kernel-guard.js';
import type { Trace } from './trace.js';

const trace: Pick<Trace, 'refuse'> = {
  refuse: (op, problem, advice) => new EngineError(`${op} ${problem}. ${advice}`, { code: 'usage', op }),
};
const binding = { trace: null as typeof trace | null };

beforeAll(async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
  guardKernels(binding);
});
beforeEach(() => {
  binding.trace = null;
});

it('lets kernels that are there run, traced or not', () => {
  for (const now of [null, trace]) {
    binding.trace = now;
    expect([...tf.add(tf.tensor([1, 2]), 1).dataSync()]).toEqual([2, 3]);
  }
});

it('refuses those that are not, but only while a function is traced', () => {
  const missing = () => tf.engine().runKernel('NoKernel', { x: tf.scalar(1) });
  expect(missing).toThrow("Kernel 'NoKernel' not registered for backend 'cpu'");
  binding.trace = trace;
  expect(missing).toThrow(/^NoKernel has no kernel on this backend\. Write it with other tensor operations/);
});
