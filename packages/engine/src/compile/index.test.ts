import type * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { EngineError } from '../errors.js';
import { compile } from './index.js';

// What needs no engine; tracing and calls are in the tests of packages/engine/test.

describe('options of compile', () => {
  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('cacheSize %s is refused at once', (cacheSize) => {
    const make = () => compile((x: tf.Tensor) => x, { name: 'step', cacheSize });
    expect(make).toThrow(EngineError);
    expect(make).toThrow(`compile 'step': cacheSize is ${cacheSize}; at least 1 is wanted`);
  });

  it('precisions are named where another is asked for', () => {
    // @ts-expect-error not one of the names
    expect(() => compile((x: tf.Tensor) => x, { name: 'step', precision: 'float64' })).toThrow(
      "compile 'step': precision is 'float64'; one of float32, bfloat16, float16 is wanted",
    );
  });
});

describe('a compiled function', () => {
  it("has the name given, else the function's own, else 'compiled'", () => {
    function forward(x: tf.Tensor): tf.Tensor {
      return x;
    }
    const names = [compile(forward, { name: 'unet' }), compile(forward), compile((x: tf.Tensor) => x)];
    expect(names.map(({ name }) => name)).toEqual(['unet', 'forward', 'compiled']);
  });

  it('has no trace before its first call, which needs the engine', () => {
    let runs = 0;
    const counted = compile(() => ++runs);
    expect(counted.traces).toBe(0);
    expect(() => counted()).toThrow("call 'await useEngine()' first");
    expect([runs, counted.traces]).toEqual([0, 0]);
  });
});
