import { expect, it } from 'vitest';
import { seededDraws, shuffled } from './draws.js';

it('gives the same numbers for the same labels, others for others', () => {
  const take = (...labels: (string | number)[]) => {
    const draws = seededDraws(7, ...labels);
    return Array.from({ length: 5 }, () => draws.random());
  };
  expect(take('item', 0, 12)).toEqual(take('item', 0, 12));
  for (const other of [take('item', 0, 13), take('item', 1, 12), take('order', 0, 12), take('item', 0, 1, 2)]) {
    expect(other).not.toEqual(take('item', 0, 12));
  }
  expect(seededDraws(8, 'item', 0, 12).random()).not.toBe(take('item', 0, 12)[0]);
});

it('is uniform: mean, variance, no correlation of neighbours', () => {
  const draws = seededDraws(1);
  const values = Array.from({ length: 50_000 }, () => draws.uniform(-1, 1));
  const mean = (list: readonly number[]) => list.reduce((sum, value) => sum + value, 0) / list.length;
  expect(Math.abs(mean(values))).toBeLessThan(0.01);
  expect(Math.abs(mean(values.map((value) => value * value)) - 1 / 3)).toBeLessThan(0.01);
  expect(Math.abs(mean(values.slice(1).map((value, i) => value * values[i]!)))).toBeLessThan(0.01);
  expect(values.every((value) => value >= -1 && value < 1)).toBe(true);
});

it('shuffles every number once, first draws of near seeds too', () => {
  const order = shuffled(1000, seededDraws(3, 'order', 0));
  expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  expect(order).not.toEqual(shuffled(1000, seededDraws(3, 'order', 1)));
  const firsts = Array.from({ length: 2000 }, (_, seed) => seededDraws(seed).random());
  expect(Math.abs(firsts.reduce((sum, value) => sum + value, 0) / 2000 - 0.5)).toBeLessThan(0.03);
});
