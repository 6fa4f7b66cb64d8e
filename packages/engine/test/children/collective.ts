/** One of the processes of a cluster. Arguments: its place, all addresses, and what is to happen after the sums. */
import { createHash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs-core';
import { abortAllReduce, allReduce, compile, EngineError, useEngine } from '../../src/index.js';

const [index, tasks, then] = [Number(process.argv[2]), process.argv[3]!.split(','), process.argv[4]];
await useEngine({ device: 'cpu', deterministic: true, threads: 1, cluster: { tasks, index } });
// A server that is not there yet is no peer: all wait until all have one.
process.stdout.write('ready\n');
await new Promise((resolve) => process.stdin.once('data', resolve));
process.stdin.destroy();

const values = async (tensors: readonly tf.Tensor[]) =>
  Promise.all(tensors.map(async (tensor) => [...(await tensor.data())]));
const report: Record<string, unknown> = { index };
const mine = [tf.fill([2, 2], index + 1), tf.scalar(10 * index), tf.tensor1d([index, 7], 'int32')];
report.sums = await values(allReduce(mine, { name: 'sums' }));
report.mean = await values(allReduce(mine.slice(0, 2), { name: 'mean', mean: true }));

// A step: large and small gradients, state in place, called several times.
const shapes = [[3], [1200, 1000], [5, 5]];
const step = compile(
  (state: tf.Tensor[], x: tf.Scalar): [tf.Tensor[], tf.Scalar] => {
    const grads = allReduce(
      state.map((each, i) => tf.mul(tf.sin(tf.add(each, i + index)), x)),
      { name: 'grads', mean: true },
    );
    const next = state.map((each, i) => tf.sub(each, grads[i]!));
    return [next, tf.addN(next.map((each) => tf.sum(each) as tf.Scalar))];
  },
  { name: 'step', state: 0 },
);
let state: tf.Tensor[] = shapes.map((shape) => tf.fill(shape, 0.5));
for (let i = 0; i < 3; i++) {
  const [next, sum] = step(state, tf.scalar(0.1));
  state = next;
  report.sum = (await sum.data())[0];
}
const hash = createHash('sha256');
for (const tensor of state) hash.update(new Uint8Array((await tensor.data()).buffer));
report.hash = hash.digest('hex');
report.small = [...(await state[0]!.data())];
try {
  compile((x: tf.Scalar) => [...allReduce([x], { name: 'x' }), ...allReduce([x], { name: 'x' })])(tf.scalar(1));
} catch (error) {
  report.twice = (error as Error).message;
}

if (index === 1 && then === 'kill') process.kill(process.pid, 'SIGKILL');
if (index === 1 && then === 'abort') setTimeout(() => abortAllReduce('the watcher said so'), 200);
if (then === 'kill' || (then === 'abort' && index === 1)) {
  const began = performance.now();
  try {
    const [, sum] = step(state, tf.scalar(1));
    await sum.data();
  } catch (error) {
    const { code, message } = error as EngineError;
    report.error = { isEngineError: error instanceof EngineError, code, message };
  }
  report.waitedMs = performance.now() - began;
}
process.stdout.write(`${JSON.stringify(report)}\n`);
// It has to be told to stop, not to notice that this process is gone.
if (index === 0 && then === 'abort') await new Promise((resolve) => setTimeout(resolve, 1500));
// The other one may still be waiting for what never comes.
process.exit(0);
