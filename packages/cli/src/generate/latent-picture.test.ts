import { describe, expect, it } from 'vitest';
import { latentPicture } from './latent-picture.js';

describe('latentPicture', () => {
  it('leaves three channels as they are: red, green, blue', () => {
    const latent = { values: Uint8Array.from([1, 2, 3, 4, 5, 6]), height: 1, width: 2, channels: 3 };
    expect(latentPicture(latent)).toBe(latent);
  });

  it('sets other channels side by side in grey', () => {
    // Two rows of two pixels, of four channels each; tens are the pixel, ones the channel.
    const pixels = [10, 20, 30, 40].flatMap((pixel) => [0, 1, 2, 3].map((channel) => pixel + channel));
    const picture = latentPicture({ values: Uint8Array.from(pixels), height: 2, width: 2, channels: 4 });
    expect(picture).toMatchObject({ height: 2, width: 8, channels: 3 });
    const grey = (y: number) =>
      Array.from({ length: 8 }, (_, x) => [...picture.values.subarray(3 * (8 * y + x), 3 * (8 * y + x) + 3)]);
    const rows = [
      [10, 20, 11, 21, 12, 22, 13, 23],
      [30, 40, 31, 41, 32, 42, 33, 43],
    ];
    for (const [y, row] of rows.entries()) expect(grey(y)).toEqual(row.map((level) => [level, level, level]));
  });
});
