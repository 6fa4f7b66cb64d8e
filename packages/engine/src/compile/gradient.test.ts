import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { testWithoutLeaks } from '../../test/support/leak-free.js';
import { valuesOf } from '../../test/support/start-engine.js';
import { currentEngine } from '../engine.js';
import { type CompilePullback, callOnTape, forgetPullback } from './gradient.js';
import { compile } from './index.js';
import { type Program, type ProgramOptions, traceProgram } from './program.js';
import { takeApart } from './structure.js';

testWithoutLeaks();

const product = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => tf.mul(tf.square(a), b);

/** A program, and what its gradients are compiled with. */
function open(options: Partial<ProgramOptions> = {}) {
  const args = (a: tf.Tensor, b: tf.Tensor) => [takeApart(a, 'a'), takeApart(b, 'b')];
  const whole: ProgramOptions = { label: 'product', precision: 'float32', xla: false, stateArg: -1, ...options };
  const fn = product as (...args: unknown[]) => unknown;
  const program: Program = traceProgram(currentEngine(), fn, args(tf.zeros([2]), tf.zeros([2])), whole);
  const compiled: unknown[] = [];
  let disposed = 0;
  const counted: CompilePullback = (pullback, how) => {
    compiled.push(how);
    const gradient = compile(pullback, how);
    const dispose = () => {
      disposed++;
      gradient.dispose();
    };
    return Object.assign((...args: Parameters<typeof pullback>) => gradient(...args), { dispose });
  };
  const call = (a: tf.Tensor, b: tf.Tensor) =>
    callOnTape(currentEngine(), fn, program, args(a, b), counted) as tf.Tensor;
  return { program, call, compiled, disposed: () => disposed };
}

describe('callOnTape', () => {
  it('is one entry of the tape, whose gradients are those of the function', () => {
    const { call } = open();
    const [a, b] = [tf.tensor([2, 3]), tf.tensor([5, 7])];
    const { value, grads } = tf.valueAndGrads((a, b) => tf.sum(call(a, b)))([a, b]);
    expect([value, ...grads].map(valuesOf)).toEqual([[83], [20, 42], [4, 9]]);
  });

  it('compiles the gradient when first asked for, once, with the name and options of the function', () => {
    const { call, compiled } = open({ precision: 'bfloat16', xla: false });
    const [a, b] = [tf.tensor([2, 3]), tf.tensor([5, 7])];
    expect(compiled).toEqual([]);
    for (let i = 0; i < 3; i++) tf.dispose(tf.grads((a, b) => tf.sum(call(a, b)))([a, b]));
    expect(compiled).toEqual([{ name: 'product.gradient', precision: 'bfloat16', xla: false }]);
  });

  it('refuses steps that overwrite their state', () => {
    const { program } = open();
    const stateful = { ...program, options: { ...program.options, stateArg: 0 } };
    expect(() => callOnTape(currentEngine(), product as never, stateful, [], () => expect.fail())).toThrow(
      "compile 'product': a step that updates state in place has no gradient; take gradients inside the step",
    );
  });
});

describe('forgetPullback', () => {
  it('frees the gradient, and does nothing where there is none', () => {
    const { program, call, disposed } = open();
    forgetPullback(program);
    expect(disposed()).toBe(0);
    tf.dispose(tf.grads((a, b) => tf.sum(call(a, b)))([tf.ones([2]), tf.ones([2])]));
    forgetPullback(program);
    expect(disposed()).toBe(1);
  });
});
