import { expect, it } from 'vitest';
import type { Draws } from './draws.js';
import { seededDraws } from './draws.js';
import type { Pixels } from './pixels.js';
import { preprocess } from './preprocessor.js';

const ramp = (width: number, height: number): Pixels => ({
  width,
  height,
  channels: 3,
  values: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7) % 251),
});

/** Records what is asked, and answers with a share of the range. */
function recording(share: number): { draws: Draws; asked: string[] } {
  const asked: string[] = [];
  const draws: Draws = {
    uniform: (low, high) => {
      asked.push(`uniform(${low}, ${high})`);
      return low + (high - low) * share;
    },
    random: () => {
      asked.push('random()');
      return share;
    },
  };
  return { draws, asked };
}

it('draws in train as the original does: row offset, column offset, side, row, column', () => {
  const { draws, asked } = recording(0.5);
  const { width, height } = preprocess(ramp(100, 140), { size: 64, phase: 'train' }, draws);
  // Slack 40: from 3/8 to 5/8 of it. Side: up to 9/8 of the size, 72.
  expect(asked).toEqual(['uniform(15, 25)', 'uniform(0, 1)', 'uniform(64, 73)', 'random()', 'random()']);
  expect([width, height]).toEqual([64, 64]);
});

it('rounds 9/8 of the size half to even', () => {
  const limit = (size: number) => {
    const { draws, asked } = recording(0);
    preprocess(ramp(200, 200), { size, phase: 'train' }, draws);
    return asked[2];
  };
  expect(limit(4)).toBe('uniform(4, 5)'); // 4.5 -> 4
  expect(limit(12)).toBe('uniform(12, 15)'); // 13.5 -> 14
  expect(limit(20)).toBe('uniform(20, 23)'); // 22.5 -> 22
});

it('draws nothing in validation', () => {
  const { draws, asked } = recording(0.5);
  for (const [width, height] of [
    [90, 64],
    [64, 91],
    [30, 20],
  ] as const) {
    expect(preprocess(ramp(width, height), { size: 64, phase: 'val' }, draws)).toMatchObject({ width: 64, height: 64 });
  }
  expect(asked).toEqual([]);
});

it('is the identity for images of the size wanted', () => {
  const image = ramp(64, 64);
  for (const phase of ['train', 'val', 'test']) {
    expect(preprocess(image, { size: 64, phase }, seededDraws(5))).toBe(image);
  }
});
