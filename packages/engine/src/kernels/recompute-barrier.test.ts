import * as tf from '@tensorflow/tfjs-core';
import { expect, it, vi } from 'vitest';
import { runKernel } from '../../test/support/kernel.js';
import { testWithoutLeaks } from '../../test/support/leak-free.js';
import { valuesOf } from '../../test/support/start-engine.js';
import { currentEngine } from '../engine.js';
import { compile } from '../index.js';

testWithoutLeaks();

const barrier = (dy: tf.Tensor, ...xs: tf.Tensor[]) =>
  runKernel('RecomputeBarrier', { dy, ...Object.fromEntries(xs.map((x, i) => [`x${i}`, x])) });

it('passes tensors of any shape and type on, in order', () => {
  const xs = [tf.scalar(1), tf.tensor([2, 3]), tf.tensor1d([4], 'int32')];
  const out = barrier(tf.zeros([5]), ...xs);
  expect(out.map(valuesOf)).toEqual([[1], [2, 3], [4]]);
  expect(out.map(({ dtype }) => dtype)).toEqual(['float32', 'float32', 'int32']);
  tf.dispose(out);
  expect(valuesOf(xs[1]!)).toEqual([2, 3]);
});

it('keeps the order of more than ten', () => {
  const out = barrier(tf.scalar(0), ...Array.from({ length: 12 }, (_, i) => tf.scalar(i)));
  expect(out.flatMap(valuesOf)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});

it('in a function waits for dy, and marks each crossing with a number of its own', () => {
  const nodes: { waits: number; mark: unknown }[] = [];
  const f = compile((x: tf.Tensor, dy: tf.Tensor) => {
    const trace = currentEngine().binding.trace!;
    const operation = vi.spyOn(trace, 'operation');
    const following = vi.spyOn(trace, 'following');
    const [a, b] = [barrier(dy, x)[0]!, barrier(dy, x)[0]!];
    operation.mock.calls.forEach(([name, attrs], i) => {
      if (name !== 'Identity') return;
      nodes.push({
        waits: following.mock.calls[i]![0].length,
        mark: attrs.find(({ name }) => name === '_recompute')?.value,
      });
    });
    vi.restoreAllMocks();
    return tf.add(tf.square(a), tf.square(b));
  });
  expect(valuesOf(f(tf.tensor([1, 2]), tf.scalar(1)))).toEqual([2, 8]);
  expect(nodes.map(({ waits }) => waits)).toEqual([1, 1]);
  expect(new Set(nodes.map(({ mark }) => mark)).size).toBe(2);
});
