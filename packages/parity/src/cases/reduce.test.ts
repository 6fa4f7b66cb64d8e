import { describe, expect, it } from 'vitest';
import { enlarged, meanStd, strided } from './reduce.js';

const image = { shape: [1, 2, 3, 3], values: Float32Array.from({ length: 18 }, (_, i) => i) };

describe('reduce', () => {
  it('takes every second row and column, the first ones included', () => {
    const { shape, values } = strided(image, 2);
    expect(shape).toEqual([1, 2, 2, 2]);
    expect([...values]).toEqual([0, 2, 6, 8, 9, 11, 15, 17]);
  });

  it('divides the variance by n - 1', () => {
    expect([...meanStd({ shape: [4], values: Float32Array.of(1, 2, 3, 4) }).values]).toEqual([2.5, Math.sqrt(5 / 3)]);
  });

  it('enlarges by repetition', () => {
    const { shape, values } = enlarged({ shape: [1, 1, 1, 2], values: Float32Array.of(1, 2) }, 2);
    expect(shape).toEqual([1, 1, 2, 4]);
    expect([...values]).toEqual([1, 1, 2, 2, 1, 1, 2, 2]);
  });

  it('wants images', () => {
    expect(() => strided({ shape: [2, 2], values: Float32Array.of(1, 2, 3, 4) }, 2)).toThrow(/stride2/);
    expect(() => enlarged({ shape: [4], values: Float32Array.of(1, 2, 3, 4) }, 2)).toThrow(/enlarge 2/);
  });
});
