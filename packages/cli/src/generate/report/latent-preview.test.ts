import { expect, it } from 'vitest';
import { fitPreview, previewFrames, shrink } from './latent-preview.js';

it('finds a linear map where there is one, and shows other latents through it', () => {
  const z = { values: Float32Array.from([0, 0, 1, 0, 0, 1, 1, 1]), shape: [1, 2, 2, 2] as const };
  // red = 100 a + 50 b + 10, green = 20, blue = 100 b
  const levels = [10, 20, 0, 110, 20, 0, 60, 20, 100, 160, 20, 100];
  const values = new Uint8Array(4 * 4 * 3);
  for (let y = 0; y < 4; y++) {
    for (let x = 0; x < 4; x++) {
      const i = 2 * Math.floor(y / 2) + Math.floor(x / 2);
      values.set(levels.slice(3 * i, 3 * i + 3), 3 * (4 * y + x));
    }
  }
  const preview = fitPreview(z, { values, height: 4, width: 4, channels: 3 });
  expect(preview.explained).toBeCloseTo(1, 6);
  const [frame, bright] = previewFrames(
    { values: Float32Array.from([0, 0, 1, 0, 0, 1, 1, 1, 9, 9, -9, 0, 0, 0.5, 0.5, 0]), shape: [2, 2, 2, 2] },
    preview,
  );
  expect([...frame!.values]).toEqual(levels);
  expect([...bright!.values]).toEqual([255, 20, 255, 0, 20, 0, 35, 20, 50, 60, 20, 0]);
});

it('explains nothing of an image that has nothing to do with the latents, and all of a plain one', () => {
  const image = (values: number[]) => ({ values: Uint8Array.from(values), height: 1, width: 4, channels: 3 });
  const z = { values: Float32Array.from([1, -1, 1, -1]), shape: [1, 1, 4, 1] as const };
  const unrelated = [0, 0, 100, 100].flatMap((level) => [level, level, level]);
  expect(fitPreview(z, { ...image(unrelated), height: 1 }).explained).toBeCloseTo(0, 6);
  expect(fitPreview(z, image(Array.from({ length: 12 }, () => 7))).explained).toBe(1);
});

it('shrinks by means', () => {
  const small = shrink({ values: Uint8Array.from([0, 10, 20, 31, 1, 2, 3, 4]), height: 2, width: 4, channels: 1 }, 2);
  expect(small).toEqual({ values: Uint8Array.from([3, 15]), height: 1, width: 2, channels: 1 });
});
