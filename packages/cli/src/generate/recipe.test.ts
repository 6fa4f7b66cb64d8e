import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../input-error.js';
import { encodeRgb } from './png/rgb.js';
import { withText } from './png/text-chunk.js';
import { type Recipe, readRecipe, withRecipe } from './recipe.js';

const hash = 'ab'.repeat(32);
const recipe: Recipe = {
  version: 1,
  program: 'codiff 0.1.0',
  command: 'generate',
  config: { path: 'configs/a.yaml', sha256: hash },
  checkpoint: { path: 'pretrained/ä 🙂.ckpt', sha256: hash },
  text: 'Naïve "quotes" \\ and\nlines',
  mask: { path: 'm.png', sha256: hash },
  sampler: { name: 'ddim', steps: 50, eta: 1 },
  seed: 2 ** 32 - 1,
  batchSize: 4,
  firstIndex: 8,
  batchIndex: 3,
  precision: 'bfloat16',
  packWeights: true,
  device: 'cpu',
  threads: 2,
  branches: 2,
  tensorflow: '2.21.0',
};
const { checkpoint: _, text: __, ...plain } = recipe;
const ascii = { ...plain, checkpoint: plain.config };
const png = encodeRgb({ values: new Uint8Array(12), height: 2, width: 2, channels: 3 });

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'codiff-recipe-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(bytes: Uint8Array): Promise<string> {
  const path = join(folder, 'image.png');
  await writeFile(path, bytes);
  return path;
}

describe('recipes', () => {
  it('come back from an image as they were, whatever letters they hold', async () => {
    expect(await readRecipe(await file(withRecipe(png, recipe)))).toEqual(recipe);
  });

  it('from before threads were divided say that they were not', async () => {
    const { branches: _, ...former } = recipe;
    expect(await readRecipe(await file(withRecipe(png, former)))).toEqual({ ...former, branches: 1 });
  });

  it('from before weights were packed say that they were not', async () => {
    const { packWeights: _, ...former } = recipe;
    expect(await readRecipe(await file(withRecipe(png, former)))).toEqual({ ...recipe, packWeights: false });
  });

  it.each([
    ['none', png, /carries no recipe/],
    ['no JSON', withText(png, 'codiff', '{'), /cannot be used \(not JSON\)/],
    ['another version', withText(png, 'codiff', JSON.stringify({ ...ascii, version: 2 })), /version: /],
    ['a foreign seed', withText(png, 'codiff', JSON.stringify({ ...ascii, seed: -1 })), /seed: /],
    ['too much', withText(png, 'codiff', JSON.stringify({ ...ascii, run: 'rm' })), /cannot be used/],
    ['a wrong sampler', withText(png, 'codiff', JSON.stringify({ ...ascii, sampler: { name: 'x' } })), /sampler/],
    ['no image', new TextEncoder().encode('{}'), /not a PNG file/],
  ])('refuse %s', async (_, bytes, message) => {
    const reading = readRecipe(await file(bytes));
    await expect(reading).rejects.toThrow(InputError);
    await expect(reading).rejects.toThrow(message);
  });
});
