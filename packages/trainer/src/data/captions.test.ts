import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readCaptions } from './captions.js';

const folder = mkdtempSync(join(tmpdir(), 'codiff-captions-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'captions.json');
const read = (text: string) => {
  writeFileSync(path, text);
  return readCaptions(path);
};

it('keeps the order of the keys and lowers the captions', () => {
  const captions = read(
    '{"10.jpg":{"Beard_and_Age":"He IS old."},"9.jpg":{"Beard_and_Age":"b","Age":"c"},"a.b.png":{"Beard_and_Age":""}}',
  );
  expect([...captions]).toEqual([
    ['10.jpg', 'he is old.'],
    ['9.jpg', 'b'],
    ['a.b.png', ''],
  ]);
});

it.each([
  ['{"1.jpg": {"Beard": "x"}}', /'1\.jpg' has no text 'Beard_and_Age'/],
  ['{"1.jpg": {"Beard_and_Age": 3}}', /'1\.jpg' has no text/],
  ['[1]', /an object from image file name/],
  ['{"1.jpg": ', /is no JSON/],
  ['{"17": {"Beard_and_Age": "x"}}', /the key '17' is a bare number, an image's file name was wanted; write/],
])('refuses %s', (text, message) => {
  expect(() => read(text)).toThrow(message);
});

it('names every entry at fault, or tells of them one by one', () => {
  const text = '{"1.jpg": {}, "2.jpg": {"Beard_and_Age": "b"}, "3.jpg": 3}';
  expect(() => read(text)).toThrow(/'1\.jpg' has no text 'Beard_and_Age', '3\.jpg' has no text/);
  const bad: string[] = [];
  expect([...readCaptions(path, (name) => bad.push(name)).keys()]).toEqual(['2.jpg']);
  expect(bad).toEqual(['1.jpg', '3.jpg']);
});

it('says where it looked', () => {
  expect(() => readCaptions(join(folder, 'none.json'))).toThrow(/none\.json: no such captions file; give/);
});
