import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { testWithoutLeaks } from '../../test/support/leak-free.js';
import { valuesOf } from '../../test/support/start-engine.js';
import { currentEngine } from '../engine.js';
import { callProgram } from './call.js';
import { type ProgramOptions, traceProgram } from './program.js';
import { takeApart } from './structure.js';

testWithoutLeaks();

/** A program of one signature, called directly. */
function open<A extends unknown[]>(fn: (...args: A) => unknown, example: A, options: Partial<ProgramOptions> = {}) {
  const structures = (args: A) => args.map((arg, i) => takeApart(arg, `args[${i}]`));
  const whole: ProgramOptions = { label: 'called', precision: 'float32', xla: false, stateArg: -1, ...options };
  const program = traceProgram(currentEngine(), fn as (...args: unknown[]) => unknown, structures(example), whole);
  return (...args: A) => callProgram(currentEngine(), program, structures(args));
}
const held = () => {
  const { binding } = currentEngine();
  return [binding.runtime.handles, binding.slots.size];
};

it('passes tensors of all arguments in order, then the captures of now', () => {
  const w = tf.variable(tf.scalar(1));
  const call = open(
    (a: tf.Tensor, { b }: { b: tf.Tensor }) => tf.sub(tf.mul(a, 100), tf.add(tf.mul(b, 10), w)),
    [tf.scalar(0), { b: tf.scalar(0) }],
  );
  expect(valuesOf(call(tf.scalar(5), { b: tf.scalar(3) }) as tf.Tensor)).toEqual([469]);
  w.assign(tf.scalar(2));
  expect(valuesOf(call(tf.scalar(5), { b: tf.scalar(3) }) as tf.Tensor)).toEqual([468]);
  w.dispose();
});

it('rebuilds the result, and frees everything with it', () => {
  const x = tf.neg(tf.tensor([1, 2]));
  const before = held();
  const call = open((x: tf.Tensor) => ({ y: [tf.neg(x), x], n: 3 }), [x]);
  const result = call(x) as { y: tf.Tensor[]; n: number };
  expect([result.n, ...result.y.map(valuesOf)]).toEqual([3, [1, 2], [-1, -2]]);
  tf.dispose(result);
  expect(held()).toEqual(before);
});

it('a call whose input was disposed leaves the state as it was', () => {
  const call = open((s: tf.Tensor, x: tf.Tensor) => tf.add(s, x), [tf.tensor([0]), tf.tensor([0])], { stateArg: 0 });
  const state = tf.tensor([1]);
  const gone = tf.tensor([5]);
  gone.dispose();
  expect(() => call(state, gone)).toThrow(/disposed/);
  expect(valuesOf(state)).toEqual([1]);
  const next = call(state, tf.tensor([5])) as tf.Tensor;
  expect(valuesOf(next)).toEqual([6]);
});

it('a call that TensorFlow fails says so where its result is read, with function, device and shapes', async () => {
  const call = open((x: tf.Tensor, i: tf.Tensor) => tf.gather(x, i), [tf.zeros([3]), tf.zeros([1], 'int32')]);
  const result = call(tf.zeros([3]), tf.tensor1d([9], 'int32')) as tf.Tensor;
  await expect(result.data()).rejects.toMatchObject({ op: 'called', device: 'cpu', inputShapes: [[3], [1]] });
  expect(valuesOf(call(tf.tensor([1, 2, 3]), tf.tensor1d([2], 'int32')) as tf.Tensor)).toEqual([3]);
});
