import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { testWithoutLeaks } from '../../test/support/leak-free.js';
import { inspect, shapeOnly } from './inspect.js';
import { moduleNames } from './module-names.js';

testWithoutLeaks();

/** For each operation of `op`: where it stands. */
function namesOf(
  fn: (p: Map<string, tf.Tensor>, x: tf.Tensor4D) => tf.Tensor | tf.Tensor[],
  op: string,
): (string | undefined)[] {
  const args: [Map<string, tf.Tensor>, tf.Tensor4D] = [
    new Map([
      ['block.1.conv.weight', shapeOnly([3, 3, 4, 4])],
      ['block.2.conv.weight', shapeOnly([3, 3, 4, 4])],
    ]),
    shapeOnly([1, 8, 8, 4]) as tf.Tensor4D,
  ];
  const { graph } = inspect(fn, args);
  const names = moduleNames(graph, args, -1);
  return graph.nodes.filter((node) => node.op === op).map(({ name }) => names.get(name));
}
const conv = (x: tf.Tensor, w: tf.Tensor | undefined) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same');
const [ONE, TWO] = ['block.1.conv.weight', 'block.2.conv.weight'];

it('an operation stands where the weight that it reads does', () => {
  expect(namesOf((p, x) => conv(conv(x, p.get(ONE!)), p.get(TWO!)), 'Conv2D')).toEqual([
    'block.1.conv',
    'block.2.conv',
  ]);
});

it('a weight keeps its name through reshapes', () => {
  const flat = (w: tf.Tensor) => tf.reshape(tf.reshape(w, [9, 16]), [3, 3, 4, 4]);
  expect(namesOf((p, x) => conv(x, flat(p.get(TWO!)!)), 'Conv2D')).toEqual(['block.2.conv']);
});

it('what reads no weight comes after the nearest that does', () => {
  expect(namesOf((p, x) => tf.relu(tf.neg(conv(x, p.get(ONE!)))), 'Relu')).toEqual(['after block.1.conv']);
  expect(namesOf((_, x) => tf.relu(x), 'Relu')).toEqual([undefined]);
});

it("a filter's gradient is its convolution's", () => {
  const gradient = (p: Map<string, tf.Tensor>, x: tf.Tensor4D) =>
    tf.grad((w) => tf.sum(conv(tf.relu(conv(x, p.get(ONE!))), w)))(p.get(TWO!)!);
  expect(namesOf(gradient, 'Conv2DBackpropFilter')).toEqual(['block.2.conv']);
});
