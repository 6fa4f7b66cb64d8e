/** Starts that are refused, and one that succeeds after all of them. */
import * as tf from '@tensorflow/tfjs-core';
import { type EngineOptions, useEngine } from '../../src/index.js';

tf.enableProdMode();
const attempt = async (options: EngineOptions): Promise<string> => {
  try {
    const { device, branches } = await useEngine(options);
    return `started on ${device}, ${branches} branches`;
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
};
const outcomes: string[] = [];
for (const options of [
  { device: 'tpu' },
  { device: 'cpu:7' },
  { device: 'gpu:99' },
  { threads: 0 },
  { threads: 1.5 },
  { memoryLimitMiB: -1 },
  { device: 'cpu', threads: 3, branches: 2 },
  { device: 'cpu', threads: 1, branches: 2 },
  { device: 'cpu', threads: 3, branches: 3 },
  { branches: 1 },
  {},
])
  outcomes.push(await attempt(options));
console.log(JSON.stringify({ outcomes, sum: Array.from(tf.add(tf.tensor([1]), 1).dataSync()) }));
