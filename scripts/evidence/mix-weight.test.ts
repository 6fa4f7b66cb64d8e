import { describe, expect, it } from 'vitest';
import { chooseWeight, MIX_WEIGHTS, normaliseGrid } from './mix-weight.js';

const grid = (points: readonly (readonly [number, number, number])[]) =>
  normaliseGrid(
    points.map(([weight, mask_accuracy, text_consistency]) => ({ weight, mask_accuracy, text_consistency })),
  );

describe('the weight of the fixed mix', () => {
  it('is tried from 0 to 1 by tenths', () => {
    expect(MIX_WEIGHTS).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]);
  });

  it('is best by the mean of both consistencies, each from 0 to 1 over the grid', () => {
    const found = grid([
      [0, 0.5, 0.9],
      [0.5, 0.8, 0.85],
      [1, 0.9, 0.5],
    ]);
    expect(found.map(({ score }) => Number(score.toFixed(4)))).toEqual([0.5, 0.8125, 0.5]);
    expect(found[1]!.normalised.mask_accuracy).toBeCloseTo(0.75, 12);
    expect(found[1]!.normalised.text_consistency).toBeCloseTo(0.875, 12);
    expect(chooseWeight(found)).toBe(0.5);
  });

  it('is not decided by what all weights do alike, and of equals is the most even one', () => {
    const same = grid([
      [0, 0.5, 0.7],
      [0.4, 0.6, 0.7],
      [1, 0.55, 0.7],
    ]);
    expect(same.map(({ normalised }) => normalised.text_consistency)).toEqual([0, 0, 0]);
    expect(chooseWeight(same)).toBe(0.4);
    const equal = [
      [0, 0, 1],
      [0.4, 0.5, 0.5],
      [0.6, 0.5, 0.5],
      [1, 1, 0],
    ] as const;
    expect(chooseWeight(grid(equal))).toBe(0.4);
    expect(() => chooseWeight([])).toThrow('no weight');
  });
});
