/** Uses the engine in a worker thread, and says what came of it. */
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import * as tf from '@tensorflow/tfjs-core';
import { compile, useEngine } from '../../src/index.js';

tf.enableProdMode();
const attempt = async (run: () => unknown): Promise<string> => {
  try {
    await run();
    return 'nothing was thrown';
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
};

if (isMainThread) {
  await useEngine({ device: 'cpu' });
  // Worker threads of Node 20 do not inherit the process's loader.
  const load = `import('tsx/esm/api').then((tsx) => { tsx.register(); return import(${JSON.stringify(import.meta.url)}); })`;
  const worker = new Worker(load, { eval: true });
  const errors = await new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  const sum = Array.from(tf.add(tf.tensor([1, 2]), 1).dataSync());
  console.log(JSON.stringify({ errors, sum }));
} else {
  parentPort!.postMessage([await attempt(() => useEngine()), await attempt(() => compile((x: number) => x)(1))]);
}
