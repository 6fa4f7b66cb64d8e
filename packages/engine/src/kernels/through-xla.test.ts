import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { testWithoutLeaks } from '../../test/support/leak-free.js';
import { valuesOf } from '../../test/support/start-engine.js';
import { compile, inspect, profile } from '../index.js';
import { throughXla } from './through-xla.js';

testWithoutLeaks();

const twice = (key: string, x: tf.Tensor): tf.Tensor => throughXla(key, [x], ([y]) => tf.add(tf.mul(y!, 2), 0.5));

it('computes inside a function what it builds, once for each key and shape', () => {
  let built = 0;
  const counted = (key: string, x: tf.Tensor) =>
    throughXla(key, [x], ([y]) => {
      built++;
      return tf.square(y!);
    });
  const run = compile((x: tf.Tensor1D) => [
    counted('test-a', x),
    counted('test-a', tf.add(x, 1)),
    counted('test-a', tf.concat([x, x])),
    counted('test-b', x),
  ]);
  expect(run(tf.tensor1d([1, 2])).map(valuesOf)).toEqual([
    [1, 4],
    [4, 9],
    [1, 4, 1, 4],
    [1, 4],
  ]);
  expect(built).toBe(3);
  run.dispose();
});

it('is one call of known shape in the function, and keeps its place in a profile', async () => {
  const fn = (x: tf.Tensor2D): tf.Tensor => twice('test-c', tf.neg(x));
  const x = tf.ones([2, 3]) as tf.Tensor2D;
  const { nodes, values } = inspect(fn, [x]).graph;
  const call = nodes.find(({ op }) => op === 'PartitionedCall')!;
  expect(values[call.outputs[0]!]!.shape).toEqual([2, 3]);
  const ops = await profile(fn, [x]);
  expect(ops.length).toBeGreaterThan(0);
});

it('fails outside of functions', () => {
  expect(() => twice('test-d', tf.ones([2]))).toThrow("'test-d' is for functions that are being traced");
});

it('passes on what is wrong with the part that it builds, and the function can be traced again', () => {
  const broken = compile((x: tf.Tensor1D) =>
    throughXla('test-e', [x], () => {
      throw new RangeError('mine');
    }),
  );
  expect(() => broken(tf.ones([2]))).toThrow('mine');
  const run = compile((x: tf.Tensor1D) => twice('test-e', x));
  expect(valuesOf(run(tf.tensor1d([1, 2])))).toEqual([2.5, 4.5]);
  run.dispose();
  broken.dispose();
});
