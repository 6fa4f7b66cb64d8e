import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { encodeRgb } from '../generate/png/rgb.js';
import { withRecipe } from '../generate/recipe.js';
import { type EditedBy, sampledSeed, seedFolder } from './collaborative-seed.js';
import { CollaborativeRecipe } from './edit-recipe.js';

const hash = (digit: string) => ({ sha256: digit.repeat(64) });
const BY: EditedBy = { config: hash('a'), checkpoint: hash('b'), text: hash('c'), mask: hash('d') };

let parent = '';
beforeAll(() => {
  parent = mkdtempSync(join(tmpdir(), 'codiff-seeds-'));
});
afterAll(() => rmSync(parent, { recursive: true }));

/** An image of a collaborative edit, so many seconds old. */
function makeImage(seed: number, by: EditedBy, age: number): void {
  const folder = seedFolder(parent, seed);
  const recipe = CollaborativeRecipe.parse({
    ...{ version: 1, program: 'p', device: 'cpu', threads: 1, tensorflow: '2.21.0', command: 'edit collaborative' },
    config: { ...by.config, path: 'c' },
    checkpoint: { ...by.checkpoint, path: 'k' },
    text: { ...by.text, folder: 't' },
    mask: { ...by.mask, folder: 'm' },
    ...{ precision: 'float32', sampler: { name: 'ddim', steps: 2, eta: 1 }, seed },
    image: { alpha: 0, alphaIndex: 0, batchSize: 1, firstIndex: 0, batchIndex: 0 },
  });
  mkdirSync(folder);
  const path = join(folder, '000000_x_0_0_alpha=0.0.png');
  const png = encodeRgb({ values: new Uint8Array(3), height: 1, width: 1, channels: 3 });
  writeFileSync(path, withRecipe(png, recipe));
  const then = Date.now() / 1000 - age;
  utimesSync(path, then, then);
}

it('goes on with the latest seed of the same edit, and of no other', async () => {
  expect(await sampledSeed(join(parent, 'nothing'), BY)).toBeUndefined();
  mkdirSync(join(parent, 'seed=x'));
  mkdirSync(join(parent, 'seed=1'));
  mkdirSync(join(parent, 'seed=3'));
  writeFileSync(join(parent, 'seed=3/000000_x_0_0_alpha=0.0.png'), 'no image');
  makeImage(5, { ...BY, mask: hash('e') }, 0);
  expect(await sampledSeed(parent, BY)).toBeUndefined();
  makeImage(7, BY, 100);
  makeImage(6, BY, 50);
  makeImage(8, BY, 200);
  expect(await sampledSeed(parent, BY)).toBe(6);
});
