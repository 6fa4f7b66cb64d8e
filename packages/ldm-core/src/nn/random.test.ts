import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { expectNoLeak, useCpu } from '../../test/support.js';
import { Rng } from './random.js';
import { hostIntegers, hostNormal, hostUniform } from './stateless-random.js';

beforeAll(useCpu);

const values = (x: tf.Tensor) => [...x.dataSync()];

describe('Rng', () => {
  it('draws what the stateless ops draw from its two words', () => {
    const rng = Rng.of(12, -34);
    expect(values(rng.normal([2, 3]))).toEqual([...hostNormal([12, -34], 6)]);
    expect(values(rng.uniform([5]))).toEqual([...hostUniform([12, -34], 5)]);
    expect(values(rng.integers([5], 0, 1000))).toEqual([...hostIntegers([12, -34], 5, 0, 1000)]);
    expect(rng.normal([2, 3]).shape).toEqual([2, 3]);
    expect(rng.integers([2], 0, 9).dtype).toBe('int32');
  });

  it('is a value: the same call gives the same numbers', () => {
    const rng = Rng.of(5);
    expect(values(rng.normal([4]))).toEqual(values(rng.normal([4])));
    expect(values(rng.split('a').normal([4]))).toEqual(values(rng.split('a').normal([4])));
  });

  it('gives the parts of a part their rows', () => {
    const whole = Rng.of(5).normal([8, 3]).arraySync() as number[][];
    const half = Rng.of(5).share({ index: 1, of: 2 });
    expect(half.rows({ index: 1, of: 2 }).normal([2, 3]).arraySync()).toEqual(whole.slice(6));
    expect(Rng.of(5).rows({ index: 1, of: 4 }).normal([2, 3]).arraySync()).toEqual(whole.slice(2, 4));
    expect(half.rows({ index: 0, of: 1 }).normal([4, 3]).arraySync()).toEqual(whole.slice(4));
  });

  it('gives processes that share a batch their rows of the whole', () => {
    const parts = [0, 1, 2].map((index) => Rng.of(5).share({ index, of: 3 }).split('noise'));
    const together = (draw: (rng: Rng, rows: number) => tf.Tensor) => {
      expect(parts.flatMap((part) => values(draw(part, 2)))).toEqual(values(draw(Rng.of(5).split('noise'), 6)));
    };
    together((rng, B) => rng.normal([B, 2, 2]));
    together((rng, B) => rng.uniform([B, 5]));
    together((rng, B) => rng.integers([B], 0, 1000));
    expect(() => Rng.of(5).share({ index: 3, of: 3 })).toThrow(/part 3 of 3/);
    expect(() => parts[0]!.normal([])).toThrow(/a scalar has no part/);
    expect(() => parts[0]!.permutation(4)).toThrow(/no order of its own/);
  });

  it('splits into sources that differ by label, by order and from the parent', () => {
    const rng = Rng.of(5);
    const sources = [
      rng,
      rng.split('a'),
      rng.split('b'),
      rng.split('a').split('b'),
      rng.split('b').split('a'),
      rng.split(1),
      rng.split('1'),
      rng.split(2),
      Rng.of(6).split('a'),
      Rng.of(5, 1).split('a'),
    ];
    expect(new Set(sources.map((source) => values(source.uniform([1]))[0])).size).toBe(sources.length);
  });

  it('splits into uncorrelated sources', () => {
    const n = 20_000;
    const [a, b] = [values(Rng.of(0).split(0).normal([n])), values(Rng.of(0).split(1).normal([n]))];
    const correlation = a.reduce((sum, x, i) => sum + x * b[i]!, 0) / n;
    expect(Math.abs(correlation)).toBeLessThan(5 / Math.sqrt(n));
  });

  it('computes the same from a tensor seed as from numbers, through any split', () => {
    for (const [seed, stream] of [
      [1, 0],
      [-7, 2 ** 31 - 1],
      [2 ** 32 + 3, -(2 ** 31)],
    ] as const) {
      const host = Rng.of(seed, stream);
      const tensor = Rng.from(host.toTensor());
      const walk = (rng: Rng) => rng.split('unet').split(999).split('dropout');
      expect(values(walk(tensor).toTensor())).toEqual(values(walk(host).toTensor()));
      expect(values(walk(tensor).normal([3]))).toEqual(values(walk(host).normal([3])));
    }
  });

  it('has this arithmetic (a change here changes every image of a seed)', () => {
    expect(values(Rng.of(1, 2).split('a').toTensor())).toEqual([-1846876172, 1436058698]);
    expect(values(Rng.of(1, 2).split(3).toTensor())).toEqual([-1500307803, -1221176139]);
  });

  it('creates no tensor by splitting, so that a source may outlive the scope it was made in', () => {
    const seed = tf.tensor1d([1, 2], 'int32');
    let rng = Rng.from(seed);
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      rng = rng.split('block').split(3);
    });
    expect(tf.memory().numTensors).toBe(before);
    expect(values(rng.uniform([3]))).toEqual(values(Rng.of(1, 2).split('block').split(3).uniform([3])));
  });

  it('permutes', () => {
    const order = values(Rng.of(3).permutation(1000));
    expect([...order].sort((a, b) => a - b)).toEqual([...new Array(1000).keys()]);
    expect(order.filter((x, i) => x === i).length).toBeLessThan(10);
    expect(values(Rng.of(3).permutation(1000))).toEqual(order);
    expect(values(Rng.of(3).permutation(1))).toEqual([0]);
    expect(values(Rng.of(3).permutation(0))).toEqual([]);
  });

  it('refuses what is no seed, no range and no length', () => {
    expect(() => Rng.of(0.5)).toThrow('must be integers');
    expect(() => Rng.from(tf.tensor1d([1, 2]))).toThrow('must be int32 [2]');
    expect(() => Rng.from(tf.tensor1d([1, 2, 3], 'int32'))).toThrow('must be int32 [2]');
    expect(() => Rng.of(0).integers([1], 5, 5)).toThrow('non-empty range');
    expect(() => Rng.of(0).integers([1], 0, 2 ** 32)).toThrow('non-empty range');
    expect(() => Rng.of(0).permutation(-1)).toThrow('at least 0');
  });

  it('leaks nothing', () => {
    const rng = Rng.from(tf.tensor1d([1, 2], 'int32'));
    expectNoLeak(() => rng.normal([3]));
    expectNoLeak(() => rng.permutation(5));
    expectNoLeak(() => rng.integers([3], 0, 4));
    expectNoLeak(() => Rng.of(1).uniform([3]));
  });
});

describe('on a backend with the kernels', () => {
  const registered: string[] = [];
  const register = (kernelName: string, kernelFunc: tf.KernelFunc) => {
    tf.registerKernel({ kernelName, backendName: 'cpu', kernelFunc });
    registered.push(kernelName);
  };

  afterEach(() => {
    for (const name of registered.splice(0)) tf.unregisterKernel(name, 'cpu');
  });

  it('hands them the seed, unread, and the shape', () => {
    const calls: unknown[] = [];
    register('StatelessRandomUniformInt', ({ inputs, attrs }) => {
      calls.push([values(inputs.seed as tf.Tensor), attrs]);
      return tf.tensor1d([5, 9, 5, 7], 'int32');
    });
    // Ranked from large to small; of the equal ones the lower index first.
    expect(values(Rng.of(3, 4).permutation(4))).toEqual([1, 3, 0, 2]);
    expect(calls).toEqual([[[3, 4], { low: -(2 ** 31), high: 2 ** 31 - 1, shape: [4] }]]);
  });
});
