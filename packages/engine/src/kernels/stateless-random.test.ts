import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { runKernel } from '../../test/support/kernel.js';
import { testWithoutLeaks } from '../../test/support/leak-free.js';
import { valuesOf } from '../../test/support/start-engine.js';
import { compile } from '../index.js';

testWithoutLeaks();

const seedOf = (a: number, b: number) => tf.tensor1d([a, b], 'int32');
type Attrs = { shape: number[]; low?: number; high?: number };
const draw = (name: string, seed: tf.Tensor, attrs: Attrs): tf.Tensor =>
  runKernel(`StatelessRandom${name}`, { seed }, attrs as tf.NamedAttrMap)[0]!;

describe.each([
  ['Normal', {}, 'float32'],
  ['Uniform', {}, 'float32'],
  ['UniformInt', { low: -3, high: 50 }, 'int32'],
] as const)('%s', (name, bounds, dtype) => {
  const attrs = { shape: [4, 25], ...bounds };

  it('gives the same numbers for a seed every time, and others for another', () => {
    const first = draw(name, seedOf(1, 2), attrs);
    expect([first.shape, first.dtype]).toEqual([[4, 25], dtype]);
    expect(valuesOf(draw(name, seedOf(1, 2), attrs))).toEqual(valuesOf(first));
    for (const other of [seedOf(2, 1), seedOf(1, 3), seedOf(-1, 2)])
      expect(valuesOf(draw(name, other, attrs))).not.toEqual(valuesOf(first));
  });

  it('gives the same numbers inside a function, for whatever seed it is called with', () => {
    const traced = compile((seed: tf.Tensor) => draw(name, seed, attrs));
    for (const seed of [seedOf(1, 2), seedOf(-7, 2 ** 31 - 1)])
      expect(valuesOf(traced(seed))).toEqual(valuesOf(draw(name, seed, attrs)));
    expect(traced.traces).toBe(1);
  });

  it('draws scalars and nothing', () => {
    expect(draw(name, seedOf(1, 2), { ...attrs, shape: [] }).shape).toEqual([]);
    expect(valuesOf(draw(name, seedOf(1, 2), { ...attrs, shape: [0, 3] }))).toEqual([]);
  });
});

describe('distributions, of 20 000 numbers', () => {
  const shape = [20_000];
  const momentsOf = (values: readonly number[]) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return [mean, values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length] as const;
  };

  it('normal: mean 0, variance 1', () => {
    const [mean, variance] = momentsOf(valuesOf(draw('Normal', seedOf(3, 4), { shape })));
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.abs(variance - 1)).toBeLessThan(0.05);
  });

  it('uniform: in [0, 1), mean 1/2, variance 1/12', () => {
    const values = valuesOf(draw('Uniform', seedOf(3, 4), { shape }));
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThan(1);
    const [mean, variance] = momentsOf(values);
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.01);
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.005);
  });

  it('integers: every one from low up to, but without, high', () => {
    const values = valuesOf(draw('UniformInt', seedOf(3, 4), { shape, low: -2, high: 3 }));
    expect([...new Set(values)].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2]);
  });
});
