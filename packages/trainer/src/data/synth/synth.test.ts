import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readCaptions } from '../captions.js';
import { checkDataset } from '../check/check-dataset.js';
import { classIndex, FACE_CLASSES } from '../classes.js';
import { seededDraws } from '../draws.js';
import { findFolders } from '../layout.js';
import { readMaskPng } from '../mask-png.js';
import { labelsOf, readOneHot } from '../one-hot.js';
import type { Pixels } from '../pixels.js';
import { resize } from '../resize.js';
import { parseCaption, writeCaption } from './caption.js';
import { AGE_RULES, ages, type Beard, beards, drawFacts, type FaceFacts } from './facts.js';
import { layersOf } from './layers.js';
import { paintImage, paintMask } from './paint.js';
import { synthesize } from './synthesize.js';

const folder = mkdtempSync(join(tmpdir(), 'codiff-synth-'));
afterAll(() => rmSync(folder, { recursive: true }));

const COUNT = 600;
const faces = Array.from({ length: COUNT }, (_, index) => drawFacts(1, index));

describe('facts and captions', () => {
  it('a caption parses back to what is drawn', () => {
    for (const [index, { gender, age, beard }] of faces.entries()) {
      const { Beard_and_Age } = writeCaption({ gender, age, beard }, seededDraws(1, 'caption', index));
      expect(parseCaption(Beard_and_Age.toLowerCase()), Beard_and_Age).toEqual({ gender, age, beard });
    }
  });

  it('every combination has captions, and they vary', () => {
    for (const age of ages) {
      for (const beard of beards) {
        const texts = Array.from({ length: 40 }, (_, i) => {
          const caption = writeCaption({ gender: 'man', age, beard }, seededDraws(i)).Beard_and_Age;
          expect(parseCaption(caption)).toEqual({ gender: 'man', age, beard });
          return caption;
        });
        expect(new Set(texts).size).toBeGreaterThan(3);
      }
    }
  });

  it('refuses other sentences', () => {
    expect(() => parseCaption('He has a hat.')).toThrow(/no such sentence: 'he has a hat\.'/);
    expect(() => parseCaption('He is a teen.')).toThrow(/does not tell gender, age and beard/);
  });

  it('varies everything, and gives no beard to women', () => {
    const kinds = (of: (face: FaceFacts) => unknown) => new Set(faces.map(of)).size;
    expect(kinds(({ age }) => age)).toBe(ages.length);
    expect(kinds(({ beard }) => beard)).toBe(beards.length);
    expect(kinds(({ skin }) => skin)).toBeGreaterThan(8);
    expect(kinds(({ hair }) => hair.id)).toBeGreaterThan(25);
    expect(kinds(({ head }) => head)).toBeGreaterThan(12);
    expect(kinds(({ hat }) => hat)).toBeGreaterThan(4);
    expect(kinds(({ glasses }) => glasses)).toBeGreaterThan(3);
    expect(kinds(({ backdrop }) => backdrop.form)).toBe(4);
    expect(faces.filter(({ gender, beard }) => gender === 'woman' && beard !== 'none')).toEqual([]);
  });

  it('leaves no document behind, by which libraries tell a browser', () => {
    expect(layersOf(faces[0]!).length).toBeGreaterThan(10);
    expect('document' in globalThis).toBe(false);
  });

  it('depends on seed and index alone', () => {
    expect(drawFacts(1, 17)).toEqual(faces[17]);
    expect(drawFacts(2, 17)).not.toEqual(faces[17]);
  });
});

/** A plain bearded man, with one thing changed. */
const sitter = faces.find(
  ({ gender, hat, glasses, hair }) => gender === 'man' && hat === 'none' && glasses === 'none' && hair.id === 'short',
)!;
/** Further away than in data sets, so that no beard reaches the lower edge. */
const frame = { x: -120, y: 50, side: 640 };

describe('drawings follow the facts', () => {
  const partsOf: Record<Beard, string> = {
    none: 'none',
    short: 'fullgoatee',
    medium: 'beard1',
    long: 'beard3',
    pointed: 'beard-point',
  };
  const draw = (change: Partial<FaceFacts>, size = 125) => {
    const facts = { ...sitter, backdrop: { ...sitter.backdrop, form: 0 }, frame, ...change };
    return paintImage(facts, layersOf(facts), size);
  };
  const differing = (a: Pixels, b: Pixels): number[] =>
    Array.from({ length: a.height * a.width }, (_, i) => i).filter((i) =>
      [0, 1, 2].some((c) => a.values[3 * i + c] !== b.values[3 * i + c]),
    );

  it('a longer beard covers more and reaches lower', async () => {
    const shaven = await draw({ beard: 'none', facialHair: 'none' });
    const extents = await Promise.all(
      (['short', 'medium', 'long'] as const).map(async (beard) => {
        const covered = differing(shaven, await draw({ beard, facialHair: partsOf[beard] }));
        return { area: covered.length, lowest: Math.max(...covered.map((i) => Math.floor(i / shaven.width))) };
      }),
    );
    const [short, medium, long] = extents;
    expect(medium!.area).toBeGreaterThan(1.2 * short!.area);
    expect(long!.area).toBeGreaterThan(1.2 * medium!.area);
    expect(medium!.lowest).toBeGreaterThanOrEqual(short!.lowest);
    expect(long!.lowest).toBeGreaterThan(medium!.lowest + 3);
  });

  it('hair grows lighter with age, and lines more', async () => {
    const dark = { hairColour: '#1c1008', skin: '#f2d6cb', beard: 'none', facialHair: 'none' } as const;
    const hair = classIndex('hair');
    const facts = { ...sitter, frame, ...dark };
    const mask = await paintMask(facts, layersOf(facts), 125);
    const brightness = async (age: FaceFacts['age']) => {
      const { values } = await draw({ ...dark, age });
      const inHair = Array.from(mask.values.keys()).filter((i) => mask.values[i] === hair);
      return inHair.reduce((sum, i) => sum + values[3 * i + 1]!, 0) / inHair.length;
    };
    const levels = await Promise.all((['thirties', 'forties', 'fifties', 'sixties', 'old'] as const).map(brightness));
    for (const [i, level] of levels.entries()) if (i > 0) expect(level).toBeGreaterThan(levels[i - 1]! + 10);
    for (const [i, age] of ages.entries()) {
      if (i > 0) expect(AGE_RULES[age].lines).toBeGreaterThanOrEqual(AGE_RULES[ages[i - 1]!].lines);
    }
    const plain = await draw({ ...dark, age: 'thirties' });
    expect(differing(plain, await draw({ ...dark, age: 'old' })).length).toBeGreaterThan(200);
  });
});

describe('masks', () => {
  it('have one class a pixel, left parts left of right ones, where the drawing has them', async () => {
    const centre = (mask: Pixels, name: string) => {
      const columns = Array.from(mask.values.keys())
        .filter((i) => mask.values[i] === classIndex(name))
        .map((i) => i % mask.width);
      return columns.reduce((sum, x) => sum + x, 0) / columns.length;
    };
    const facts = { ...sitter, frame };
    const mask = await paintMask(facts, layersOf(facts), 64);
    expect(mask.values.every((id) => id < FACE_CLASSES.length)).toBe(true);
    for (const part of ['eye', 'brow', 'ear'])
      expect(centre(mask, `l_${part}`)).toBeLessThan(centre(mask, `r_${part}`));
    expect(mask.values[0]).toBe(0);
    expect(Math.abs(centre(mask, 'nose') - 32)).toBeLessThan(4);
  });

  it('show a hat, glasses, earrings and a necklace exactly where they are drawn', async () => {
    const woman = faces.find(({ gender, hair }) => gender === 'woman' && hair.id === 'female4')!;
    const has = async (change: Partial<FaceFacts>) => {
      const facts = {
        ...woman,
        hat: 'none',
        glasses: 'none',
        earrings: false,
        necklace: false,
        frame,
        jersey: 'jersey',
        ...change,
      };
      const { values } = await paintMask(facts, layersOf(facts), 128);
      return ['hat', 'eye_g', 'ear_r', 'neck_l'].map((name) => values.includes(classIndex(name)));
    };
    expect(await has({})).toEqual([false, false, false, false]);
    expect(await has({ hat: 'headband' })).toEqual([true, false, false, false]);
    expect(await has({ glasses: 'glasses1-primary' })).toEqual([false, true, false, false]);
    expect(await has({ necklace: true })).toEqual([false, false, false, true]);
    expect(await has({ earrings: true, hair: { ...woman.hair, id: 'none', behind: 'none' } })).toEqual([
      false,
      false,
      true,
      false,
    ]);
  });
});

describe('synthesize', () => {
  const files = (root: string) =>
    readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const out = join(folder, 'a');

  it('writes a data set of the original form that checks clean, the same bytes for a seed', async () => {
    const options = { n: 12, size: 64, seed: 4 };
    const summary = await synthesize({ ...options, out });
    await synthesize({ ...options, out: join(folder, 'b') });
    for (const { parentPath, name } of files(out)) {
      const path = join(parentPath, name);
      expect(readFileSync(path).equals(readFileSync(path.replace(out, join(folder, 'b')))), path).toBe(true);
    }
    expect(summary.classes.skin).toBe(12);
    expect(summary.absent.every((name) => summary.classes[name] === 0)).toBe(true);
    const folders = findFolders(out);
    expect([...readCaptions(folders.textFile).keys()]).toEqual(Array.from({ length: 12 }, (_, i) => `${i}.jpg`));
    const conditions = ['text', 'seg_mask', 'sketch'];
    const check = { phase: 'test', testDatasetSize: 0, conditions, ...folders } as const;
    expect(
      await checkDataset(
        { ...check, maskFolder: folders.maskFolder!, sketchFolder: folders.sketchFolder!, conditions: [...conditions] },
        64,
      ),
    ).toEqual({ samples: 12, bad: [] });
  });

  it('draws the last faces of a set alone, the same bytes under the same names', async () => {
    const part = join(folder, 'part');
    await synthesize({ n: 2, first: 10, size: 64, seed: 4, out: part });
    const names = files(part).map(({ parentPath, name }) => join(parentPath, name).slice(part.length + 1));
    const faces = names.filter((name) => /(10|11)\.(jpg|png|pt)$/.test(name));
    expect(faces).toHaveLength(8);
    for (const name of faces)
      expect(readFileSync(join(part, name)).equals(readFileSync(join(out, name))), name).toBe(true);
    const captions = (root: string) => [...readCaptions(findFolders(root).textFile)];
    expect(captions(part)).toEqual(captions(out).slice(10));
    rmSync(part, { recursive: true });
    await expect(synthesize({ n: 1, first: -1, size: 64, seed: 1, out: part })).rejects.toThrow(/first face is -1/);
  });

  it('gives generation the mask that training saw', async () => {
    const { maskFolder } = findFolders(out);
    const png = await readMaskPng(join(out, 'mask_png_64/3.png'));
    expect(labelsOf(await readOneHot(join(maskFolder!, '3.pt')))).toEqual(resize(png, 32, 32, 'nearest').values);
  });

  it('leaves a folder alone that holds anything, and nothing behind when it fails', async () => {
    const taken = join(folder, 'taken');
    mkdirSync(taken);
    writeFileSync(join(taken, 'mine.txt'), 'x');
    await expect(synthesize({ n: 1, size: 64, seed: 1, out: taken })).rejects.toThrow(
      /taken: is there already and not an empty/,
    );
    const stop = () => {
      throw new Error('stopped');
    };
    await expect(synthesize({ n: 3, size: 64, seed: 1, out: join(folder, 'c'), onFace: stop })).rejects.toThrow(
      'stopped',
    );
    expect(readdirSync(folder).sort()).toEqual(['a', 'b', 'taken']);
    await expect(synthesize({ n: 0, size: 64, seed: 1, out: join(folder, 'c') })).rejects.toThrow(/n is 0/);
    await expect(synthesize({ n: 1, size: 16, seed: 1, out: join(folder, 'c') })).rejects.toThrow(/size is 16/);
  });

  it('clears what a killed run left, not what a running one is at', async () => {
    mkdirSync(join(folder, '.d.999999999.partial'));
    mkdirSync(join(folder, `.d.${process.ppid}.partial`));
    await synthesize({ n: 1, size: 32, seed: 1, out: join(folder, 'd') });
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([`.d.${process.ppid}.partial`]);
  });
});
