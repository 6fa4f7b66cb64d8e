import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { testWithoutLeaks } from '../../test/support/leak-free.js';
import { valuesOf } from '../../test/support/start-engine.js';
import { functionConfig } from '../capi/config-proto.js';
import { currentEngine } from '../engine.js';
import { type Program, type ProgramOptions, traceProgram } from './program.js';
import { takeApart } from './structure.js';

testWithoutLeaks();

const trace = (fn: (...args: never[]) => unknown, args: unknown[], options: Partial<ProgramOptions> = {}): Program =>
  traceProgram(
    currentEngine(),
    fn as (...args: unknown[]) => unknown,
    args.map((arg, i) => takeApart(arg, `args[${i}]`)),
    { label: 'program', precision: 'float32', xla: false, stateArg: -1, ...options },
  );

describe('traceProgram', () => {
  it('describes the results, and puts the nesting together again from other tensors', () => {
    const program = trace((x: tf.Tensor) => ({ y: [tf.sum(x, 0), tf.argMax(x, 1)], label: 'ok' }), [tf.zeros([2, 3])]);
    expect(program.results).toEqual([
      { shape: [3], dtype: 1 },
      { shape: [2], dtype: 3 },
    ]);
    expect(program.sources).toEqual([0, 1]);
    const [a, b] = [tf.scalar(1), tf.scalar(2)];
    expect(program.structure.rebuild([a, b])).toEqual({ y: [a, b], label: 'ok' });
  });

  it('lists tensors from outside in the order of their use, each once', () => {
    const [w, b, unused] = [tf.ones([2]), tf.variable(tf.zeros([2])), tf.ones([3])];
    const { captures } = trace((x: tf.Tensor) => tf.add(tf.add(tf.mul(x, w), b), tf.mul(w, b)), [tf.ones([2])]);
    expect(captures.map(({ source }) => source === b)).toEqual([false, true]);
    expect(captures[0]!.tensors).toEqual([w]);
    expect(unused.isDisposed).toBe(false);
    b.dispose();
  });

  it('tells state from other results: the loss is result 0, the weights are state 1 and 0', () => {
    const program = trace(
      (s: { a: tf.Tensor; b: tf.Tensor }, x: tf.Tensor) => [tf.sum(x), { a: tf.add(s.b, 0), b: tf.add(s.a, x) }],
      [{ a: tf.ones([2]), b: tf.ones([2]) }, tf.ones([2])],
      { stateArg: 0 },
    );
    expect(program.sources).toEqual([0, -1, -2]);
    expect(program.results).toEqual([{ shape: [], dtype: 1 }]);
  });

  it('carries a config with every call, without which Grappler does not run; XLA by an attribute', () => {
    const of = (options: Partial<ProgramOptions>) => trace((x: tf.Tensor) => tf.neg(x), [tf.scalar(1)], options).attrs;
    for (const precision of ['float32', 'bfloat16'] as const)
      expect(of({ precision })).toEqual([{ name: 'config_proto', type: 0, value: functionConfig(precision, 'cpu') }]);
    expect(of({ xla: true })[1]).toEqual({ name: '_XlaMustCompile', type: 3, value: true });
  });

  it('gives functions names of their own', () => {
    const names = [1, 2].map(() => trace((x: tf.Tensor) => tf.neg(x), [tf.scalar(1)]).name);
    expect(names[0]).not.toBe(names[1]);
  });

  it('ends cleanly when the function throws: no trace, the tape as it was, nothing held', () => {
    const { state } = tf.engine();
    const { binding } = currentEngine();
    const x = tf.tensor([1, 2]);
    tf.dispose(tf.neg(x));
    const slots = binding.slots.size;
    const grads = tf.grad((y: tf.Tensor) => {
      const tape = state.activeTape;
      expect(() =>
        trace(
          (z: tf.Tensor) => {
            expect(state.gradientDepth).toBe(0);
            tf.square(tf.add(z, x));
            throw new RangeError('mine');
          },
          [x],
        ),
      ).toThrow(new RangeError('mine'));
      expect(state.activeTape).toBe(tape);
      expect(binding.trace).toBeNull();
      return tf.square(y);
    })(x);
    expect(valuesOf(grads)).toEqual([2, 4]);
    grads.dispose();
    expect(binding.slots.size).toBe(slots);
  });
});
