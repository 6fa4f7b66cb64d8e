import { expect, it } from 'vitest';
import { contiguousStrides } from './strides.js';

it('counts the elements from one index of an axis to the next, the last axis being the fastest', () => {
  expect(contiguousStrides([2, 3, 4])).toEqual([12, 4, 1]);
  expect(contiguousStrides([5])).toEqual([1]);
  expect(contiguousStrides([3, 1, 2, 1])).toEqual([2, 2, 1, 1]);
});

it('has none of a scalar, and zeros before an empty axis', () => {
  expect(contiguousStrides([])).toEqual([]);
  expect(contiguousStrides([2, 0, 3])).toEqual([0, 3, 1]);
});

it('finds every element once', () => {
  const [A, B, C] = [3, 4, 5];
  const [a, b, c] = contiguousStrides([A, B, C]) as [number, number, number];
  const places: number[] = [];
  for (let i = 0; i < A; i++)
    for (let j = 0; j < B; j++) for (let k = 0; k < C; k++) places.push(i * a + j * b + k * c);
  expect(places).toEqual(Array.from({ length: A * B * C }, (_, at) => at));
});
