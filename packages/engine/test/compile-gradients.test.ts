/** Compiled functions under tfjs's gradients. */
import * as tf from '@tensorflow/tfjs-core';
import '@codiff/ldm-core';
import { describe, expect, it } from 'vitest';
import { compile } from '../src/index.js';
import { testWithoutLeaks } from './support/leak-free.js';
import { valuesOf } from './support/start-engine.js';

testWithoutLeaks();

const scalar = (tensor: tf.Tensor) => tensor as tf.Scalar;

describe('gradients of compiled functions', () => {
  it('tf.grad', () => {
    const f = compile((x: tf.Tensor) => tf.mul(tf.square(x), 3));
    expect(valuesOf(tf.grad((x) => tf.sum(f(x)))(tf.tensor([1, 2, 3])))).toEqual([6, 12, 18]);
  });

  it('tf.grad of the compiled function itself, with the gradient of its result', () => {
    const f = compile((x: tf.Tensor) => tf.square(x));
    const dx = tf.grad(f)(tf.tensor([1, 2]), tf.tensor([10, 100]));
    expect(valuesOf(dx)).toEqual([20, 400]);
  });

  it('tf.grads and tf.valueAndGrads, of several arguments', () => {
    const f = compile((a: tf.Tensor, b: tf.Tensor) => tf.mul(a, tf.square(b)));
    const inputs = [tf.tensor([1, 2]), tf.tensor([3, 4])];
    expect(
      tf
        .grads((a, b) => tf.sum(f(a, b)))(inputs)
        .map(valuesOf),
    ).toEqual([
      [9, 16],
      [6, 16],
    ]);
    const { value, grads } = tf.valueAndGrads((a, b) => tf.sum(f(a, b)))(inputs);
    expect([value, ...grads].map(valuesOf)).toEqual([[41], [9, 16], [6, 16]]);
  });

  it('tf.variableGrads, of captured variables', () => {
    const w = tf.variable(tf.tensor([1, 2]), true, 'w-captured');
    const x = tf.tensor([3, 4]);
    const loss = compile(() => scalar(tf.sum(tf.mul(tf.square(w), x))));
    const first = tf.variableGrads(loss, [w]);
    expect([first.value, first.grads['w-captured']!].map(valuesOf)).toEqual([[19], [6, 16]]);
    w.assign(tf.tensor([10, 10]));
    expect(valuesOf(tf.variableGrads(loss, [w]).grads['w-captured']!)).toEqual([60, 80]);
    w.dispose();
  });

  it('several results, in a nesting, each used differently', () => {
    const f = compile((x: tf.Tensor, n: number) => ({
      list: [tf.mul(x, n), tf.square(x)],
      map: new Map([['sin', tf.sin(x)]]),
    }));
    const eager = (x: tf.Tensor) => tf.add(tf.mul(tf.mul(x, 2), tf.square(x)), tf.sin(x));
    const compiled = (x: tf.Tensor) => {
      const { list, map } = f(x, 2);
      return tf.add(tf.mul(list[0]!, list[1]!), map.get('sin')!);
    };
    const x = tf.tensor([0.5, -1]);
    const [got, wanted] = [compiled, eager].map((fn) => valuesOf(tf.grad((x: tf.Tensor) => tf.sum(fn(x)))(x)));
    got!.forEach((value, i) => {
      expect(value).toBeCloseTo(wanted![i]!, 5);
    });
  });

  it('one of several results alone', () => {
    const f = compile((x: tf.Tensor) => [tf.square(x), tf.exp(x)] as const);
    expect(valuesOf(tf.grad((x) => tf.sum(f(x)[0]))(tf.tensor([1, 2])))).toEqual([2, 4]);
  });

  it('of integer arguments and results beside the float ones', () => {
    const f = compile((table: tf.Tensor, ids: tf.Tensor) => [tf.gather(table, ids), tf.argMax(table, 1)] as const);
    const ids = tf.tensor1d([2, 0, 2], 'int32');
    const grad = tf.grad((table: tf.Tensor) => tf.sum(f(table, ids)[0]))(tf.ones([3, 2]));
    expect(valuesOf(grad)).toEqual([1, 1, 0, 0, 2, 2]);
  });

  it('through a chain of compiled and plain operations', () => {
    const f = compile((x: tf.Tensor) => tf.square(x));
    const grad = tf.grad((x: tf.Tensor) => tf.sum(f(tf.add(f(x), 1))));
    expect(valuesOf(grad(tf.tensor([1, 2])))).toEqual([8, 40]);
  });

  it('is zero for an argument that does not matter', () => {
    const f = compile((a: tf.Tensor, b: tf.Tensor) => tf.add(tf.square(a), tf.zerosLike(b)));
    expect(
      tf
        .grads((a, b) => tf.sum(f(a, b)))([tf.scalar(3), tf.scalar(4)])
        .map(valuesOf),
    ).toEqual([[6], [0]]);
  });

  it('inside the function: a whole training step', () => {
    const step = compile((w: tf.Tensor, x: tf.Tensor) => {
      const { value, grads } = tf.valueAndGrads((w: tf.Tensor) => scalar(tf.sum(tf.square(tf.sub(tf.mul(w, x), 1)))))([
        w,
      ]);
      return { loss: value, w: tf.sub(w, tf.mul(grads[0]!, 0.1)) };
    });
    let w: tf.Tensor = tf.tensor([0, 0]);
    const losses: number[] = [];
    for (let i = 0; i < 5; i++) {
      const result = step(w, tf.tensor([1, 2]));
      losses.push(valuesOf(result.loss)[0]!);
      w = result.w;
    }
    expect(step.traces).toBe(1);
    expect(losses[0]).toBe(2);
    expect(losses[4]).toBeLessThan(0.2);
    losses.slice(1).forEach((loss, i) => {
      expect(loss).toBeLessThan(losses[i]!);
    });
  });

  it('leaves the tape alone: an inner gradient in the function does not disturb the outer one', () => {
    const slope = compile((x: tf.Tensor) => tf.grad((y: tf.Tensor) => tf.sum(tf.square(y)))(x));
    const total = tf.grad((x: tf.Tensor) => {
      const before = tf.square(x);
      const inner = slope(tf.tensor([1, 1]));
      return tf.sum(tf.mul(before, inner));
    });
    expect(valuesOf(total(tf.tensor([3, 4])))).toEqual([12, 16]);
  });

  it('says that a step with state has no gradient', () => {
    const step = compile((state: tf.Tensor) => tf.mul(state, 2), { state: 0, name: 'step' });
    expect(() => tf.grad((x) => tf.sum(step(x)))(tf.scalar(1))).toThrow(
      /compile 'step': a step that updates state in place has no gradient; take gradients inside the step/,
    );
  });
});
