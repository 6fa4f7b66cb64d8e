import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DatasetConfig } from '../config/data-configs.js';
import { findFolders, LAYOUT } from '../data/layout.js';
import { synthesize } from '../data/synth/synthesize.js';
import { folderEntries, heldOutFaces } from './held-out-faces.js';

const root = mkdtempSync(join(tmpdir(), 'codiff-held-out-'));
const set = join(root, 'faces');
beforeAll(async () => void (await synthesize({ n: 6, size: 32, seed: 1, out: set })));
afterAll(() => rmSync(root, { recursive: true }));

it('finds all of a data set by its root, with masks at the size of the images', () => {
  const faces = heldOutFaces(set);
  expect(faces.map(({ stem }) => stem)).toEqual(['0', '1', '2', '3', '4', '5']);
  expect(faces[2]).toMatchObject({
    image: join(set, 'image/image_32/2.jpg'),
    condition: join(set, LAYOUT.mask, '2.pt'),
    mask: join(set, 'mask_png_32/2.png'),
  });
  expect(faces.every(({ caption }) => caption === caption.toLowerCase())).toBe(true);
});

it('takes the test split of a config, and the masks beside the images where it reads texts alone', () => {
  const { imPreprocessorConfig: _, ...defaults } = DatasetConfig.parse({ imPreprocessorConfig: { target: '' } });
  const { imageFolder, textFile } = findFolders(set);
  const dataset = {
    ...defaults,
    imageFolder,
    textFile,
    phase: 'test' as const,
    testDatasetSize: 2,
    conditions: ['text'],
  };
  const faces = heldOutFaces({ dataset, preprocessor: { size: 32, phase: 'val' } });
  expect(faces.map(({ stem }) => stem)).toEqual(['4', '5']);
  expect(faces[0]!.condition).toBe(join(set, LAYOUT.mask, '4.pt'));
});

it('gives images of the names of a data set its masks and captions, and others none', () => {
  const images = join(set, 'image/image_32');
  const faces = heldOutFaces(set);
  const entries = folderEntries({ images, faces });
  expect(entries[1]).toMatchObject({ mask: faces[1]!.mask, caption: faces[1]!.caption, condition: 1 });
  const others = folderEntries({ images, faces: faces.slice(0, 3) });
  expect(others.every(({ mask, caption }) => mask === undefined && caption === undefined)).toBe(true);
});
