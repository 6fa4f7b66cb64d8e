/** What cannot be compiled says which operation, in which line of the user's, and what to do; and leaves nothing behind. */
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { currentEngine } from '../src/engine.js';
import { compile, EngineError } from '../src/index.js';
import type { OpAttr } from '../src/tfjs-node.js';
import { testWithoutLeaks } from './support/leak-free.js';
import { thrownBy, valuesOf } from './support/start-engine.js';

testWithoutLeaks();

const THIS_FILE = basename(fileURLToPath(import.meta.url));

/** Check an error's operation, line and words, and that the engine works on. */
function expectRefusal(fn: (x: tf.Tensor) => unknown, op: string | RegExp, words: readonly RegExp[]): void {
  const compiled = compile(fn, { name: 'step' });
  const error = thrownBy(() => compiled(tf.tensor([1, -2, 3]))) as EngineError;
  expect(error).toBeInstanceOf(EngineError);
  expect(error.message).toMatch(/compile 'step'/);
  expect(error.op).toMatch(op);
  for (const word of words) expect(error.message).toMatch(word);
  // A line of the tests below, and not of this helper.
  const line = new RegExp(`${THIS_FILE}:(\\d+)`).exec(error.message)?.[1];
  expect(Number(line)).toBeGreaterThan(26);
  expect(valuesOf(compile((x: tf.Tensor) => tf.neg(x))(tf.scalar(1)))).toEqual([-1]);
}

describe('reading a traced tensor', () => {
  const words = [/reads the values of a tensor \[3\]/, /Return the tensor and read it outside/];
  it.each([
    ['dataSync', (x: tf.Tensor) => tf.mul(x, x.dataSync()[0]!)],
    ['arraySync', (x: tf.Tensor) => (x.arraySync() as number[]).length],
    ['toString', (x: tf.Tensor) => x.toString(true)],
  ] as const)('%s', (_, fn) => {
    expectRefusal(fn, /data/, words);
  });

  it('after other operations, too', () => {
    expectRefusal((x) => (tf.square(x).dataSync()[0]! > 1 ? x : tf.neg(x)), /data/, words);
  });
});

describe('asynchronous functions', () => {
  it('are refused', () => {
    const f = compile(async (x: tf.Tensor) => tf.neg(x), { name: 'step' });
    expect(() => f(tf.scalar(1))).toThrow(/compile 'step': the function is asynchronous.*Move the awaits outside/);
  });

  it('are refused without an unhandled rejection, even if they read', async () => {
    const f = compile(async (x: tf.Tensor) => (await x.data())[0]);
    expect(() => f(tf.scalar(1))).toThrow(/asynchronous/);
    await new Promise((resolve) => setTimeout(resolve, 20));
  });
});

describe('shapes that depend on values', () => {
  it('unique', () => {
    expectRefusal((x) => tf.unique(x).values, /Unique/, [
      /\[\?\]/,
      /do this step outside, or use a form with a fixed size/,
    ]);
  });

  it('a raw operation', () => {
    const where = (x: tf.Tensor) => executeOp('Where', [{ name: 'T', type: 4, value: 1 }], [x]);
    expectRefusal(where, 'Where', [/has a result whose shape depends on values/]);
  });
});

describe("tfjs's own random numbers", () => {
  it.each([
    ['randomNormal', () => tf.randomNormal([3])],
    ['randomUniform', () => tf.randomUniform([3])],
    ['randomUniformInt', () => tf.randomUniformInt([3], 0, 9)],
    ['randomStandardNormal', () => tf.randomStandardNormal([3])],
    ['truncatedNormal', () => tf.truncatedNormal([3])],
    ['randomGamma', () => tf.randomGamma([3], 1)],
    ['rand', () => tf.rand([3], Math.random)],
    ['dropout', (x: tf.Tensor) => tf.dropout(x, 0.5)],
  ] as const)('%s', (name, fn) => {
    expectRefusal(fn as (x: tf.Tensor) => tf.Tensor, `tf.${name}`, [
      /draws its numbers in JavaScript/,
      /Draw outside and pass the tensor in, or use the stateless random operations/,
    ]);
  });
});

describe('operations', () => {
  it('that the library lacks', () => {
    expectRefusal((x) => executeOp('NoSuchOperation', [], [x]), 'NoSuchOperation', [
      /is no operation of this libtensorflow/,
      /Compute it outside and pass the result in/,
    ]);
  });

  it('that tfjs has no kernel for here', () => {
    expectRefusal((x) => tf.searchSorted(tf.reshape(x, [1, 3]), tf.zeros([1, 2])), 'SearchSorted', [
      /has no kernel on this backend/,
      /Write it with other tensor operations/,
    ]);
  });

  it('whose inputs do not fit', () => {
    const matMul = [
      { name: 'T', type: 4, value: 1 },
      { name: 'adj_x', type: 3, value: false },
      { name: 'adj_y', type: 3, value: false },
    ];
    expectRefusal(
      (x) => executeOp('BatchMatMulV2', matMul, [tf.reshape(x, [3, 1]), tf.zeros([2, 2])]),
      'BatchMatMulV2',
      [/Dimensions must be equal|must be equal/],
    );
    const error = thrownBy(() =>
      compile((x: tf.Tensor1D) => executeOp('BatchMatMulV2', matMul, [tf.reshape(x, [3, 1]), tf.zeros([2, 2])]))(
        tf.ones([3]),
      ),
    );
    expect(error).toMatchObject({
      op: 'BatchMatMulV2',
      inputShapes: [
        [3, 1],
        [2, 2],
      ],
    });
    expect((error as EngineError).device).toMatch(/CPU:0$/);
  });
});

describe('errors of the function itself', () => {
  it('come through as they are, and tracing ends', () => {
    const f = compile((x: tf.Tensor): tf.Tensor => {
      tf.square(x);
      throw new RangeError('mine');
    });
    expect(() => f(tf.scalar(1))).toThrow(new RangeError('mine'));
    expect(valuesOf(tf.square(tf.scalar(3)))).toEqual([9]);
  });

  it('under a gradient leave the tape usable', () => {
    const f = compile((_: tf.Tensor): tf.Tensor => {
      throw new RangeError('mine');
    });
    expect(() => tf.grad((x) => f(x))(tf.scalar(1))).toThrow('mine');
    expect(valuesOf(tf.grad((x) => tf.square(x))(tf.scalar(3)))).toEqual([6]);
  });
});

/** What a custom kernel does. */
const executeOp = (name: string, attrs: OpAttr[], inputs: tf.Tensor[]): tf.Tensor =>
  currentEngine().backend.executeSingleOutput(name, attrs, inputs);
