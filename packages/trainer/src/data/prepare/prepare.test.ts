import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCaptions } from '../captions.js';
import { classIndex } from '../classes.js';
import { seededDraws } from '../draws.js';
import { FaceDataset } from '../face-dataset.js';
import { findFolders } from '../layout.js';
import { readMaskPng } from '../mask-png.js';
import { labelsOf, readOneHot } from '../one-hot.js';
import { resize } from '../resize.js';
import { encodeMaskPng } from '../write-mask-png.js';
import { readCaptionFiles } from './caption-files.js';
import { prepareDataset } from './prepare.js';

const fixture = fileURLToPath(new URL('../../../../parity/fixtures/dataset', import.meta.url));
const images = join(fixture, 'image/image_64');

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'codiff-prepare-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);
const file = (name: string, content: string | Uint8Array) => {
  writeFileSync(at(name), content);
  return at(name);
};

/** A picture of `size` that is white where `inside` says so. */
async function part(path: string, size: number, inside: (x: number, y: number) => boolean): Promise<void> {
  const values = Uint8Array.from({ length: size * size }, (_, i) => (inside(i % size, Math.floor(i / size)) ? 255 : 0));
  writeFileSync(
    path,
    await sharp(values, { raw: { width: size, height: size, channels: 1 } })
      .png()
      .toBuffer(),
  );
}

describe('prepare', () => {
  it('palette masks and JSON lines give what the original has of the same faces', async () => {
    const lines = readdirSync(images).map((name, i) =>
      JSON.stringify({ image: name, caption: ` Face\n number ${i} ` }),
    );
    const captions = file('captions.jsonl', `${lines.join('\n')}\n`);
    const out = at('a');
    const report = await prepareDataset({ images, masks: join(fixture, 'mask_png_64'), captions, out });
    expect(report).toEqual({ samples: 8, maskForm: 'png', leftOut: [] });
    const folders = findFolders(out);
    expect([...readCaptions(folders.textFile)][1]).toEqual(['1.jpg', 'face number 1']);
    const { maskFolder } = findFolders(fixture);
    for (const i of [0, 7]) {
      const stored = await readOneHot(join(maskFolder!, `${i}.pt`));
      expect(await readOneHot(join(folders.maskFolder!, `${i}.pt`))).toEqual(stored);
      expect(readFileSync(join(folders.imageFolder, `${i}.jpg`))).toEqual(readFileSync(join(images, `${i}.jpg`)));
    }
    const dataset = { phase: 'test', testDatasetSize: 1, conditions: ['text', 'seg_mask'], sketchFolder: '' } as const;
    const options = { ...dataset, conditions: [...dataset.conditions], ...folders, maskFolder: folders.maskFolder! };
    const set = new FaceDataset({ dataset: options, preprocessor: { size: 64, phase: 'val' } });
    expect((await set.item(0, seededDraws(0))).name).toBe('7.jpg');
  });

  it('CelebAMask-HQ parts: later classes lie over earlier ones, numbers lose their zeros', async () => {
    const masks = at('parts/3');
    mkdirSync(masks, { recursive: true });
    await part(join(masks, '00000_skin.png'), 64, (x, y) => x > 10 && y > 10);
    await part(join(masks, '00000_l_brow.png'), 64, (x, y) => x > 20 && x < 40 && y === 21);
    await part(join(masks, '00000_hair.png'), 64, (_, y) => y < 20);
    const some = at('one-image');
    mkdirSync(some);
    cpSync(join(images, '0.jpg'), join(some, '0.jpg'));
    const out = at('b');
    expect(await prepareDataset({ images: some, masks: at('parts'), out })).toMatchObject({
      samples: 1,
      maskForm: 'parts',
    });
    const mask = await readMaskPng(join(out, 'mask_png_original/0.png'));
    const label = (x: number, y: number) => mask.values[y * 64 + x];
    expect([label(0, 63), label(30, 40), label(30, 21), label(30, 15)]).toEqual([0, 1, 6, classIndex('hair')]);
    const { maskFolder, textFile } = findFolders(out);
    expect(labelsOf(await readOneHot(join(maskFolder!, '0.pt')))).toEqual(resize(mask, 32, 32, 'nearest').values);
    expect([...readCaptions(textFile)]).toEqual([['0.jpg', '']]);
  });

  it('crops image and mask alike with --size, and shrinks sketches to 32 x 32', async () => {
    const wide = at('wide');
    const [masks, sketches] = [at('wide-masks'), at('wide-sketches')];
    for (const path of [wide, masks, sketches]) mkdirSync(path);
    const raw = { width: 90, height: 60, channels: 3 } as const;
    const half = Uint8Array.from({ length: 90 * 60 * 3 }, (_, i) => (Math.floor(i / 3) % 90 < 45 ? 255 : 0));
    writeFileSync(join(wide, '5.png'), await sharp(half, { raw }).png().toBuffer());
    writeFileSync(join(sketches, '5.png'), await sharp(half, { raw }).png().toBuffer());
    // Classes by thirds: the square in the middle holds the second, and half of the first and third each.
    const labels = Uint8Array.from({ length: 90 * 60 }, (_, i) => Math.floor((i % 90) / 30));
    writeFileSync(join(masks, '5.png'), encodeMaskPng({ width: 90, height: 60, channels: 1, values: labels }));
    const out = at('c');
    await prepareDataset({ images: wide, masks, sketches, size: 48, out });
    const folders = findFolders(out);
    expect(await sharp(join(folders.imageFolder, '5.png')).metadata()).toMatchObject({ width: 48, height: 48 });
    const row = labelsOf(await readOneHot(join(folders.maskFolder!, '5.pt'))).subarray(0, 32);
    expect([row[0], row[7], row[8], row[23], row[24], row[31]]).toEqual([0, 0, 1, 1, 2, 2]);
    const { dataset, ...rest } = {
      dataset: { phase: 'test', testDatasetSize: 0, conditions: ['sketch'], maskFolder: '', ...folders } as const,
      preprocessor: { size: 48, phase: 'val' },
    };
    const set = new FaceDataset({
      ...rest,
      dataset: { ...dataset, conditions: ['sketch'], sketchFolder: folders.sketchFolder! },
    });
    const { sketch } = await set.item(0, seededDraws(0));
    expect([sketch![0], sketch![31]]).toEqual([1, 0]);
  });
});

describe('bad samples', () => {
  it('are all named, nothing is written, and --skip-bad leaves them out', async () => {
    const bad = at('bad-images');
    cpSync(images, bad, { recursive: true });
    writeFileSync(join(bad, '2.jpg'), 'no image');
    const captions = file('some.tsv', '0.jpg\tone\n1.jpg\ttwo\n2.jpg\tthree\n9.jpg\tfour\n');
    const out = at('d');
    const options = { images: bad, captions, out };
    await expect(prepareDataset(options)).rejects.toThrow(
      /7 of 9 samples cannot be used; correct them, or give --skip-bad to leave them out:\n {2}2\.jpg: .*is no whole JPEG[^\n]*\n {2}9: has a caption, but no image[\s\S]*3\.jpg: no caption in/,
    );
    expect(existsSync(out)).toBe(false);
    const report = await prepareDataset({ ...options, skipBad: true });
    expect(report.samples).toBe(2);
    expect(report.leftOut.length).toBe(7);
    // Named as they are found, not as they would be written.
    const resized = await prepareDataset({ ...options, skipBad: true, size: 8, out: at('d-resized') });
    expect(resized.leftOut[0]!.name).toBe('2.jpg');
  });

  it('masks of another aspect, and images that are not square', async () => {
    const masks = at('odd-masks');
    mkdirSync(masks);
    writeFileSync(join(masks, '0.png'), encodeMaskPng({ width: 4, height: 2, channels: 1, values: new Uint8Array(8) }));
    await expect(prepareDataset({ images: at('one-image'), masks, out: at('e') })).rejects.toThrow(
      /image of 64 x 64, mask of 4 x 2: another aspect/,
    );
    await expect(prepareDataset({ images: at('wide'), masks: at('wide-masks'), out: at('e') })).rejects.toThrow(
      /image of 90 x 60 is not square; give --size/,
    );
  });

  it('folders without files', async () => {
    mkdirSync(at('empty'));
    await expect(prepareDataset({ images: at('empty'), out: at('f') })).rejects.toThrow(
      /empty: images: no file ending in \.jpg/,
    );
    await expect(prepareDataset({ images: at('none'), out: at('f') })).rejects.toThrow(/none: images: no such folder/);
    await expect(prepareDataset({ images, masks: at('empty'), out: at('f') })).rejects.toThrow(/masks: no file ending/);
  });
});

describe('captions of plain forms', () => {
  it('text files, one an image; JSON of names; lines with tabs', () => {
    mkdirSync(at('texts'));
    file('texts/10.txt', 'ten\n');
    file('texts/9.txt', 'nine,\n again ');
    expect([...readCaptionFiles(at('texts'))]).toEqual([
      ['9', 'nine, again'],
      ['10', 'ten'],
    ]);
    expect([...readCaptionFiles(file('c.json', '{"b.jpg":"B","a.jpg":{"Beard_and_Age":"A"}}'))]).toEqual([
      ['b', 'B'],
      ['a', 'A'],
    ]);
    expect([...readCaptionFiles(file('c.txt', '\uFEFF1.png\tone\n\n2.png\ttwo\twords\n'))]).toEqual([
      ['1', 'one'],
      ['2', 'two words'],
    ]);
    expect([
      ...readCaptionFiles(file('d.jsonl', '{"file_name":"1.png","text":"one"}\n{"id":2,"caption":"two"}')),
    ]).toEqual([
      ['1', 'one'],
      ['2', 'two'],
    ]);
  });

  it.each([
    ['e.jsonl', '{"image":"1.png","text":"one"}\n{"image":', /line 2: is no JSON/],
    ['e.jsonl', '{"text":"one"}', /line 1: none of image, file/],
    ['e.jsonl', '{"image":"1.png"}', /line 1: none of Beard_and_Age, caption/],
    ['e.txt', '1.png one', /line 1: no tab; name, tab, caption/],
    ['e.txt', '1.png\ta\n1.jpg\tb', /line 2: '1\.jpg' occurs a second time/],
    ['e.json', '[]', /an object from image name/],
    ['e.csv', 'x', /the ending '\.csv' tells no form/],
  ])('%s with %j says where', (name, content, message) => {
    expect(() => readCaptionFiles(file(name, content))).toThrow(message);
  });

  it('a path that is not there', () => {
    expect(() => readCaptionFiles(at('no.json'))).toThrow(/no\.json: captions: no such file or folder/);
  });
});
