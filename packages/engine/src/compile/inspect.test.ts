import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { testWithoutLeaks } from '../../test/support/leak-free.js';
import { inspect, shapeOnly } from './inspect.js';

testWithoutLeaks();

const MIB = 2 ** 20;

describe('inspect', () => {
  it('tells operations, names and memory of a function on tensors without values', () => {
    // 4 GiB that nobody has to have.
    const weights = new Map([['layer.weight', shapeOnly([2 ** 15, 2 ** 15]) as tf.Tensor2D]]);
    const x = shapeOnly([8, 2 ** 15]) as tf.Tensor2D;
    const layer = (p: ReadonlyMap<string, tf.Tensor2D>, input: tf.Tensor2D): { y: tf.Tensor2D } => ({
      y: tf.relu(tf.matMul(input, p.get('layer.weight')!)),
    });
    const { graph, needed, names, memory, result } = inspect(layer, [weights, x]);
    const ops = graph.nodes.filter((_, i) => needed.has(i)).map(({ op }) => op);
    expect(ops).toEqual(['Placeholder', 'Placeholder', 'MatMul', 'Relu']);
    const product = graph.nodes.find(({ op }) => op === 'MatMul')!;
    expect(product.inputs.map((value) => names.get(value))).toEqual(['', 'layer.weight']);
    expect(graph.values[product.outputs[0]!]!.shape).toEqual([8, 2 ** 15]);
    expect(memory).toMatchObject({ bytes: MIB, largest: MIB, op: 'MatMul' });
    expect(result.y.shape).toEqual([8, 2 ** 15]);
    tf.dispose([x, result, ...weights.values()]);
  });

  it('follows state: its updates, its names, and the new state as a result', () => {
    const state = { w: shapeOnly([256, 256]) as tf.Tensor2D };
    const step = (s: typeof state): [typeof state, tf.Scalar] => [{ w: tf.mul(s.w, 2) }, tf.sum(s.w) as tf.Scalar];
    const { graph, names, result, memory } = inspect(step, [state], { state: 0 });
    expect(graph.effects.map((node) => graph.nodes[node]!.op)).toEqual(['AssignVariableOp']);
    expect(new Set(names.values())).toEqual(new Set(['w']));
    expect(result[0].w.shape).toEqual([256, 256]);
    expect(result[1].shape).toEqual([]);
    expect(memory.bytes).toBeGreaterThanOrEqual(2 ** 18);
    expect(memory.bytes).toBeLessThan(2 ** 18 + 2 ** 12);
    tf.dispose([state, result]);
  });

  it('takes tensors without values from outside, too; used for anything else they say what they are', () => {
    const [w, x] = [shapeOnly([3]), shapeOnly([2, 1])];
    const { result } = inspect((x: tf.Tensor) => tf.mul(x, w), [x]);
    expect(result.shape).toEqual([2, 3]);
    expect(() => tf.add(w, 1)).toThrow('a tensor made by shapeOnly has no values');
    tf.dispose([w, x, result]);
  });
});
