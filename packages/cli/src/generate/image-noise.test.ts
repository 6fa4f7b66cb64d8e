import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { imageNoise } from './image-noise.js';

beforeAll(async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
});

const size = [2, 2, 3] as const;
const values = (tensor: tf.Tensor): number[] => Array.from(tensor.dataSync());

it('gives an image of a seed the same numbers in any batch', () => {
  const pair = imageNoise(9, 4, [2, ...size]);
  const second = imageNoise(9, 5, [1, ...size]);
  const half = (both: tf.Tensor) => values(both).slice(12);
  expect(half(pair.start())).toEqual(values(second.start()));
  for (let draw = 0; draw < 3; draw++) {
    expect(half(pair.source.next([2, ...size]))).toEqual(values(second.source.next([1, ...size])));
  }
});

it('gives every image, draw and seed numbers of its own', () => {
  const drawn = [imageNoise(9, 0, [2, ...size]), imageNoise(10, 0, [2, ...size])].flatMap((noise) => [
    noise.start(),
    noise.source.next([2, ...size]),
    noise.source.next([2, ...size]),
  ]);
  const all = drawn.flatMap(values);
  expect(new Set(all).size).toBe(all.length);
});
