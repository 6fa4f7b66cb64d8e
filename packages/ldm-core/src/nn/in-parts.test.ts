import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { useCpu } from '../../test/support.js';
import { equalParts, inParts, partsOf } from './in-parts.js';

beforeAll(useCpu);

const batch = () => ({ x: tf.range(0, 10).reshape([5, 2]), names: ['kept'], more: { t: tf.range(0, 5, 1, 'int32') } });

it('divides every tensor of a batch alike, and carries the rest along', () => {
  const parts = partsOf(2, batch());
  expect(parts.map(({ x, more, names }) => [x.arraySync(), more.t.arraySync(), names])).toEqual([
    [
      [
        [0, 1],
        [2, 3],
      ],
      [0, 1],
      ['kept'],
    ],
    [
      [
        [4, 5],
        [6, 7],
        [8, 9],
      ],
      [2, 3, 4],
      ['kept'],
    ],
  ]);
});

it('has no more parts than rows, and hands a whole batch on as it is', () => {
  expect(partsOf(9, batch()).map(({ x }) => x.shape)).toEqual(Array.from({ length: 5 }, () => [1, 2]));
  const whole = batch();
  expect(partsOf(1, whole)[0]).toBe(whole);
});

it('joins what comes of the parts, in order', () => {
  const sizes: number[] = [];
  const doubled = inParts(3, batch(), ({ x }) => {
    sizes.push(x.shape[0]!);
    return tf.mul(x, 2);
  });
  expect(sizes).toEqual([1, 2, 2]);
  expect(doubled.arraySync()).toEqual(tf.mul(batch().x, 2).arraySync());
});

it('refuses tensors of different batches, and none', () => {
  expect(() => partsOf(2, [tf.zeros([2, 3]), tf.zeros([3])])).toThrow(
    'a batch in parts: first axes of 2 and 3; wanted tensors of one batch',
  );
  expect(() => partsOf(2, { nothing: 1 })).toThrow(RangeError);
});

it.each([
  [8, 3, 2],
  [9, 4, 3],
  [7, 6, 1],
  [6, 9, 6],
  [8, 0, 1],
])('%i rows have, of at most %i equal parts, %i', (batch, most, parts) => {
  expect(equalParts(batch, most)).toBe(parts);
});
