import { expect, it } from 'vitest';
import { seededDraws } from './draws.js';
import type { Pixels } from './pixels.js';
import { resize } from './resize.js';

// The outputs of Pillow itself are among the parity fixtures (kind preprocess).

const image = (width: number, height: number, channels: number, value: (i: number) => number): Pixels => ({
  width,
  height,
  channels,
  values: Uint8Array.from({ length: width * height * channels }, (_, i) => value(i)),
});

it('keeps an image whose size stays', () => {
  const same = image(3, 2, 1, (i) => i);
  expect(resize(same, 3, 2, 'bicubic')).toBe(same);
});

it('nearest takes the pixel under the centre, so odd columns when it halves', () => {
  const { values } = resize(
    image(6, 1, 1, (i) => i),
    3,
    1,
    'nearest',
  );
  expect([...values]).toEqual([1, 3, 5]);
  expect([
    ...resize(
      image(3, 1, 1, (i) => i),
      6,
      1,
      'nearest',
    ).values,
  ]).toEqual([0, 0, 1, 1, 2, 2]);
});

it.each([
  [5, 7],
  [64, 3],
  [20, 20],
])('bicubic keeps a flat image flat, to %i x %i', (width, height) => {
  const { values } = resize(
    image(20, 31, 3, (i) => [9, 128, 255][i % 3]!),
    width,
    height,
    'bicubic',
  );
  expect(values).toEqual(image(width, height, 3, (i) => [9, 128, 255][i % 3]!).values);
});

it('bicubic averages when it shrinks, and stays within a byte where the kernel overshoots', () => {
  const draws = seededDraws(1);
  const noise = image(64, 64, 1, () => draws.random() * 256);
  const mean = (values: Uint8Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const small = resize(noise, 4, 4, 'bicubic');
  expect(Math.abs(mean(small.values) - mean(noise.values))).toBeLessThan(4);
  expect(Math.max(...small.values) - Math.min(...small.values)).toBeLessThan(60);
  const edge = resize(
    image(8, 1, 1, (i) => (i < 4 ? 0 : 255)),
    32,
    1,
    'bicubic',
  ).values;
  expect([edge[0], edge[31]]).toEqual([0, 255]);
});

it('refuses sizes that are none', () => {
  expect(() =>
    resize(
      image(2, 2, 1, () => 0),
      0,
      4,
      'bicubic',
    ),
  ).toThrow(/to 0 x 4; a positive whole number/);
  expect(() =>
    resize(
      image(2, 2, 1, () => 0),
      2.5,
      4,
      'nearest',
    ),
  ).toThrow(/positive whole number/);
});
