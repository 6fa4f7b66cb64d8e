import { describe, expect, it } from 'vitest';
import { Philox } from '../nn/philox.js';
import { bootstrapMean, pairedBootstrap, resampled, resampledDifference } from './bootstrap.js';
import { cosines, diversityOf } from './distances.js';
import { type Features, featuresOf } from './features.js';
import { kernelDistance } from './kid.js';
import { classIoU, confusionOf, meanIoU, pixelAccuracy, sumConfusions } from './segmentation.js';

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function normals(n: number, width: number, seed: number, mean = 0): Features & { values: Float32Array } {
  const values = new Float32Array(n * width);
  new Philox(seed, 3).normal(values, mean, 1);
  return { values, n, width };
}

describe('segmentation', () => {
  it('of a mask and itself is 1', () => {
    const counts = confusionOf([0, 1, 1, 3], [0, 1, 1, 3], 4);
    expect(pixelAccuracy(counts)).toBe(1);
    expect(meanIoU(counts)).toBe(1);
  });

  it('leaves out a class that is in neither, and counts one that is in one of them as 0', () => {
    // Class 2 is in neither; class 3 is found only; class 0: 1 of 2; class 1: 1 of 2.
    const counts = confusionOf([0, 0, 1, 1], [0, 3, 1, 3], 4);
    expect(pixelAccuracy(counts)).toBe(0.5);
    expect([...classIoU(counts)]).toEqual([0.5, 0.5, Number.NaN, 0]);
    expect(meanIoU(counts)).toBeCloseTo(1 / 3, 12);
  });

  it('sums images, with repetition', () => {
    const each = [confusionOf([0, 1], [0, 1], 2), confusionOf([0, 1], [1, 1], 2)];
    expect([...sumConfusions(each)]).toEqual([1, 1, 0, 2]);
    expect([...sumConfusions(each, [1, 1])]).toEqual([0, 2, 0, 2]);
  });

  it('refuses other sizes and other classes', () => {
    expect(() => confusionOf([0, 1], [0], 2)).toThrow('2 pixels beside one of 1');
    expect(() => confusionOf([0, 5], [0, 1], 2)).toThrow('classes 5 and 1 at pixel 1');
  });
});

describe('kernelDistance', () => {
  it('is what its definition gives where a subset is named', () => {
    const [a, b] = [featuresOf([[1], [1], [1], [1]]), featuresOf([[2], [2], [2], [2]])];
    // k(1,1) + k(2,2) - 2 k(1,2) = 8 + 125 - 54
    const { value, deviation } = kernelDistance(a, b, { subsets: 3, subsetSize: 2, random: random(1) });
    expect([value, deviation]).toEqual([79, 0]);
  });

  it('is about 0 for draws of one distribution, whatever their number, and above for another', () => {
    for (const n of [40, 160]) {
      const same = kernelDistance(normals(n, 4, 1), normals(n, 4, 2), { random: random(2) });
      expect(same.low).toBeLessThan(0);
      expect(same.high).toBeGreaterThan(0);
      const other = kernelDistance(normals(n, 4, 1, 1), normals(n, 4, 2), { random: random(2) });
      expect(other.low).toBeGreaterThan(0);
    }
  });

  it('refuses subsets that leave nothing out, and too few images', () => {
    const [few, some] = [normals(3, 2, 1), normals(8, 2, 1)];
    expect(() => kernelDistance(few, some, { random: random(1) })).toThrow('too few images: 3');
    expect(() => kernelDistance(some, some, { subsetSize: 8, random: random(1) })).toThrow('subsets of 8 out of 8');
  });
});

describe('bootstrap', () => {
  it('has an interval of about 1.96 standard errors, the same for a seed', () => {
    const { values } = normals(400, 1, 5);
    const found = bootstrapMean(values, { resamples: 1000, random: random(3) });
    const error = 1 / Math.sqrt(400);
    expect(found.value).toBeCloseTo(values.reduce((sum, value) => sum + value, 0) / 400, 12);
    expect((found.high - found.low) / 2 / error).toBeGreaterThan(1.7);
    expect((found.high - found.low) / 2 / error).toBeLessThan(2.2);
    expect(bootstrapMean(values, { resamples: 1000, random: random(3) })).toEqual(found);
  });

  it('of pairs sees a difference that is far smaller than the spread', () => {
    const { values } = normals(100, 1, 6);
    const better = values.map((value, i) => value + 0.05 + (i % 2 === 0 ? 0.01 : -0.01));
    const { value, low, notAbove } = pairedBootstrap(better, values, { resamples: 200, random: random(4) });
    expect(value).toBeCloseTo(0.05, 5);
    expect(low).toBeGreaterThan(0.04);
    expect(notAbove).toBe(0);
    expect(() => pairedBootstrap([1], [1, 2], { resamples: 2, random: random(1) })).toThrow('wanted pairs');
  });

  it('of pairs is the same from the resamples of either method, where the draws are the same', () => {
    const a = Float64Array.from(normals(40, 1, 8).values);
    const b = a.map((value) => value * value);
    const options = () => ({ resamples: 50, random: random(5) });
    const mean = (of: Float64Array) => (indices: Int32Array) =>
      indices.reduce((sum, i) => sum + of[i]!, 0) / indices.length;
    const found = resampledDifference(resampled(a.length, mean(a), options()), resampled(b.length, mean(b), options()));
    const wanted = pairedBootstrap(a, b, options());
    for (const name of ['value', 'low', 'high'] as const) expect(found[name]).toBeCloseTo(wanted[name], 12);
    expect([found.n, found.notAbove]).toEqual([wanted.n, wanted.notAbove]);
    const fewer = resampled(2, mean(b), options());
    expect(() => resampledDifference(resampled(a.length, mean(a), options()), fewer)).toThrow(
      `50 resamples of ${a.length} beside 50 of 2; wanted those of the same pairs`,
    );
  });
});

it('diversityOf is the mean distance of pairs; cosines are 1 for equal directions', () => {
  const features = featuresOf([
    [0, 0],
    [3, 4],
    [0, 0],
    [1, 0],
    [1, 0],
  ]);
  expect([
    ...diversityOf(features, [
      [0, 1, 2],
      [3, 4],
    ]),
  ]).toEqual([(5 + 0 + 5) / 3, 0]);
  expect(() => diversityOf(features, [[0]])).toThrow('2 or more of each');
  const turned = featuresOf([
    [1, 0],
    [6, 8],
    [0, 0],
    [0, 2],
    [-1, 0],
  ]);
  expect([...cosines(features, turned)]).toEqual([0, 1, 0, 0, -1]);
});
