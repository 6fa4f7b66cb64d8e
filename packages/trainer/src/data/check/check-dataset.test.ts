import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findFolders } from '../layout.js';
import { writeTensorFile } from '../tensor-file.js';
import { type BadSample, checkDataset } from './check-dataset.js';
import { CheckSheet } from './check-sheet.js';

const fixture = fileURLToPath(new URL('../../../../parity/fixtures/dataset', import.meta.url));
const optionsOf = (root: string) => {
  const { maskFolder = '', ...folders } = findFolders(root);
  const conditions = ['text', 'seg_mask'];
  return { phase: 'train', testDatasetSize: 2, conditions, sketchFolder: '', ...folders, maskFolder } as const;
};
const check = (root: string, size?: number, sheet?: CheckSheet) =>
  checkDataset({ ...optionsOf(root), conditions: ['text', 'seg_mask'] }, size, (seen, bad) => sheet?.add(seen, bad));

let broken = '';
beforeAll(async () => {
  broken = mkdtempSync(join(tmpdir(), 'codiff-check-'));
  cpSync(fixture, broken, { recursive: true });
  const { imageFolder, maskFolder, textFile } = findFolders(broken);
  rmSync(join(imageFolder, '0.jpg'));
  truncateSync(join(imageFolder, '1.jpg'), 1000);
  const values = new BigInt64Array(19 * 1024).fill(1n);
  await writeTensorFile(join(maskFolder!, '2.pt'), 'int64', [19, 1024], new Uint8Array(values.buffer));
  await writeTensorFile(join(maskFolder!, '3.pt'), 'int64', [19, 512], new Uint8Array(19 * 512 * 8));
  rmSync(join(maskFolder!, '4.pt'));
  const captions = JSON.parse(readFileSync(textFile, 'utf8')) as Record<string, { Beard_and_Age: string }>;
  captions['5.jpg']!.Beard_and_Age = ' ';
  delete captions['7.jpg'];
  captions['6.jpg'] = { Beard_and_Age: 5 as never };
  writeFileSync(textFile, JSON.stringify(captions));
});
afterAll(() => rmSync(broken, { recursive: true }));

it('finds nothing in a good set, also of its test part', async () => {
  expect(await check(fixture, 64)).toEqual({ samples: 8, bad: [] });
});

it('names every bad sample with its file and what is wrong', async () => {
  const { samples, bad } = await check(broken);
  expect(samples).toBe(6);
  expect(bad.map(({ name, fault }: BadSample) => [name, fault])).toEqual([
    ['6.jpg', 'caption absent'],
    ['0.jpg', 'missing'],
    ['1.jpg', 'unreadable'],
    ['2.jpg', 'class out of range'],
    ['3.jpg', 'wrong size'],
    ['4.jpg', 'missing'],
    ['5.jpg', 'caption absent'],
    ['7.jpg', 'caption absent'],
  ]);
  expect(bad[3]!.file).toMatch(/2\.pt$/);
  expect(bad[4]!.problem).toBe('a tensor of shape [19,512], [19,1024] was wanted');
  expect(bad[7]!.problem).toMatch(/among the images and not among the captions/);
});

it('compares the size of images where one is asked for', async () => {
  const { bad } = await check(fixture, 128);
  expect(bad.length).toBe(8);
  expect(bad[0]).toMatchObject({ fault: 'wrong size', problem: '64 x 64 pixels, 128 x 128 were wanted' });
});

it('draws bad samples first, with red crosses for what is missing', async () => {
  const sheet = new CheckSheet();
  await check(broken, undefined, sheet);
  const { width, height, values } = sheet.draw(32);
  expect([width, height]).toEqual([6 * 34 + 2, 2 * 34 + 2]);
  const pixel = (x: number, y: number) => [...values.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)];
  // The first sample has no image, but a mask.
  expect(pixel(2 + 16, 2 + 16)).toEqual([220, 24, 24]);
  expect(pixel(2 + 16, 36 + 16)).not.toEqual([220, 24, 24]);
});

it('says what a root lacks', () => {
  const root = mkdtempSync(join(tmpdir(), 'codiff-root-'));
  expect(() => findFolders(root)).toThrow(/image: nothing, one folder was wanted; give the root of a data set/);
  rmSync(root, { recursive: true });
});
