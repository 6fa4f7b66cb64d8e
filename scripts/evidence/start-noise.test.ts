import { useEngine } from '@codiff/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { startNoise } from './start-noise.js';

beforeAll(async () => void (await useEngine({ device: 'cpu' })));

it('gives an image the same numbers in any batch', async () => {
  const latent = [2, 2, 3] as const;
  const draw = (pairs: readonly number[], sample = 0) => {
    const noise = startNoise(
      5,
      pairs.map((pair) => ({ pair, sample })),
      latent,
    );
    const shape: [number, number, number, number] = [pairs.length, ...latent];
    return [noise.start(), noise.source.next(shape), noise.source.next(shape)].map((x) => tf.unstack(x));
  };
  const [one, many, other] = [draw([7]), draw([3, 7, 9]), draw([7], 1)];
  const values = (x: tf.Tensor) => [...x.dataSync()];
  for (const [k, [alone]] of one.entries()) {
    expect(values(many[k]![1]!)).toEqual(values(alone!));
    expect(values(many[k]![0]!)).not.toEqual(values(alone!));
    expect(values(other[k]![0]!)).not.toEqual(values(alone!));
  }
  expect(values(one[0]![0]!)).not.toEqual(values(one[1]![0]!));
  expect(values(one[1]![0]!)).not.toEqual(values(one[2]![0]!));
});
