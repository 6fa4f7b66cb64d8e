import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { float32Values, int32Values } from '@codiff/ldm-core';
import { openCheckpointFile } from '@codiff/ldm-core/node';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../input-error.js';
import { checkMaskSize, hashMask, oneHotMask, readMask, resizeMask } from './mask.js';
import { MASK_CLASSES, paintMask } from './palette.js';
import { readChunks, writeChunks } from './png/chunks.js';
import { encodeRgb } from './png/rgb.js';

const fixtures = fileURLToPath(new URL('../../../parity/fixtures/dataset/', import.meta.url));
const palettePng = join(fixtures, 'mask_png_64/3.png');
const oneHot = join(
  fixtures,
  'mask/CelebAMask-HQ-mask-color-palette_32_nearest_downsampled_from_hq_512_one_hot_2d_tensor/3.pt',
);

let folder = '';
beforeAll(async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
  folder = await mkdtemp(join(tmpdir(), 'codiff-mask-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A file in the test's folder. */
async function file(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

/** A PNG whose samples are grey levels. */
function grey(side: number, level: (i: number) => number, bitDepth: 8 | 16 = 8, height = side): Uint8Array {
  const png = new PNG({ width: side, height });
  for (let i = 0; i < side * height; i++) png.data.fill(level(i), 4 * i, 4 * i + 3).fill(255, 4 * i + 3, 4 * i + 4);
  return PNG.sync.write(png, { colorType: 0, inputHasAlpha: true, bitDepth });
}

describe('readMask', () => {
  it("reads a palette's indices, which is what the original's data set was made of", async () => {
    const mask = await readMask(palettePng);
    expect(mask).toMatchObject({ name: '3.png', width: 64, height: 64 });
    const checkpoint = await openCheckpointFile(oneHot);
    const { dtype } = checkpoint.tensor('');
    const bytes = await checkpoint.readBytes('');
    const expected = int32Values(dtype, bytes) ?? float32Values(dtype, bytes);
    await checkpoint.close();
    const tensor = oneHotMask(mask);
    expect(tensor.shape).toEqual([1, 19, 1024]);
    expect(Array.from(tensor.dataSync())).toEqual(Array.from(expected, Number));
    tensor.dispose();
  });

  it('reads indices also where a palette has one colour twice', async () => {
    // Index 1 gets the colour of index 0.
    const chunks = [...readChunks(await readFile(palettePng))].map(({ type, data }) => {
      if (type !== 'PLTE') return { type, data };
      const colors = Uint8Array.from(data);
      colors.copyWithin(3, 0, 3);
      return { type, data: colors };
    });
    const mask = await readMask(await file('twice.png', writeChunks(chunks)));
    expect(mask.ids).toEqual((await readMask(palettePng)).ids);
  });

  it('reads the same from an RGB picture of the mask, and from grey levels', async () => {
    const mask = await readMask(palettePng);
    const rgb = await readMask(await file('rgb.png', encodeRgb(paintMask(mask))));
    expect(rgb.ids).toEqual(mask.ids);
    expect(hashMask(rgb)).toBe(hashMask(mask));
    const levels = await readMask(
      await file(
        'grey.png',
        grey(64, (i) => mask.ids[i]!),
      ),
    );
    expect(levels.ids).toEqual(mask.ids);
  });

  it.each([
    [
      'no PNG',
      async () => new TextEncoder().encode('\xff\xd8 a JPEG'),
      /is not a PNG file; wanted a square palette PNG/,
    ],
    [
      'a value above 18',
      async () => grey(64, (i) => (i === 130 ? 19 : 3)),
      /has the value 19 \(column 2, row 2\); wanted/,
    ],
    ['16 bits', async () => grey(64, () => 0, 16), /16 bits/],
    [
      'a colour of no class',
      async () => {
        const picture = paintMask(await readMask(palettePng));
        picture.values.set([1, 2, 3], 3 * 65);
        return encodeRgb(picture);
      },
      /is RGB and has the colour \(1,2,3\) \(column 1, row 1\), which is no class's/,
    ],
    [
      'a file that is cut off',
      async () => (await readFile(palettePng)).subarray(0, 700),
      /cannot be decoded \(png: the file ends early, after \d+ bytes\); wanted/,
    ],
    [
      'a damaged file',
      async () => {
        const bytes = await readFile(palettePng);
        bytes[bytes.length - 30]! ^= 1;
        return bytes;
      },
      /cannot be decoded \(png: the file is damaged: its checksums or its pixels are wrong\); wanted/,
    ],
    [
      'a file whose palette was changed',
      async () => {
        const bytes = await readFile(palettePng);
        bytes[60]! ^= 1;
        return bytes;
      },
      /cannot be decoded \(png: the file is damaged: its checksums or its pixels are wrong\); wanted/,
    ],
    ['a header only', async () => (await readFile(palettePng)).subarray(0, 20), /cannot be decoded \(png: /],
  ])('refuses %s', async (name, bytes, message) => {
    const path = await file(`${name}.png`, await bytes());
    const error: unknown = await readMask(path).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toContain('\n');
  });
});

describe('checkMaskSize', () => {
  const check = (width: number, height: number, side: number) => () =>
    checkMaskSize({ name: 'm.png', ids: new Uint8Array(width * height), width, height }, 'masks/m.png', side);

  it("takes masks of the model's size, and of 512x512 for any model (quirk 16)", () => {
    for (const side of [64, 256, 512]) {
      expect(check(side, side, side)).not.toThrow();
      expect(check(512, 512, side)).not.toThrow();
    }
  });

  it.each<[number, number, number, string]>([
    [511, 512, 512, "masks/m.png: the mask is 511x512; wanted 512x512 as the model's images are"],
    [256, 256, 512, "masks/m.png: the mask is 256x256; wanted 512x512 as the model's images are"],
    [
      1024,
      1024,
      256,
      "masks/m.png: the mask is 1024x1024; wanted 256x256 as the model's images are, or 512x512 as CelebAMask-HQ's masks are",
    ],
    [
      32,
      32,
      64,
      "masks/m.png: the mask is 32x32; wanted 64x64 as the model's images are, or 512x512 as CelebAMask-HQ's masks are",
    ],
  ])('refuses %ix%i for images of %i', (width, height, side, message) => {
    expect(check(width, height, side)).toThrow(new InputError(message));
  });
});

it('has 19 classes of 19 colours', async () => {
  const { classes, palette } = JSON.parse(await readFile(join(fixtures, 'expected.json'), 'utf8')) as {
    classes: string[];
    palette: number[][];
  };
  expect(MASK_CLASSES).toEqual(classes.map((name, id) => ({ name, color: palette[id] })));
});

it('enlarges and reduces by the nearest pixel', () => {
  const mask = { name: 'm', ids: Uint8Array.of(1, 2, 3, 4), height: 2, width: 2 };
  expect([...resizeMask(mask, 4).ids]).toEqual([1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4]);
  expect(resizeMask(resizeMask(mask, 6), 2).ids).toEqual(mask.ids);
});
