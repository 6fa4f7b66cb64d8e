import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { FACE_CLASSES } from './classes.js';
import { readMaskPng } from './mask-png.js';
import { PNG_SIGNATURE, pngChunk, readPngChunks } from './png-chunks.js';
import { encodeMaskPng } from './write-mask-png.js';

const folder = mkdtempSync(join(tmpdir(), 'codiff-mask-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

const labels = Uint8Array.from({ length: 19 * 4 }, (_, i) => i % 19);
const mask = { width: 19, height: 4, channels: 1, values: labels };
const classPalette = FACE_CLASSES.flatMap(({ rgb }) => rgb);

/** A palette or grey PNG from its parts; samples are packed by `depth`. */
function png(
  samples: readonly number[],
  width: number,
  depth: number,
  colour: number,
  chunks: Uint8Array[],
): Uint8Array {
  const height = samples.length / width;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colour, 0, 0, 0], 8);
  const rowBytes = Math.ceil((width * depth) / 8);
  const rows = Buffer.alloc(height * (rowBytes + 1));
  samples.forEach((sample, i) => {
    const [y, x] = [Math.floor(i / width), i % width];
    const at = y * (rowBytes + 1) + 1 + Math.floor((x * depth) / 8);
    rows[at] = rows[at]! | (sample << (8 - depth - ((x * depth) % 8)));
  });
  const pixels = pngChunk('IDAT', deflateSync(rows));
  return Buffer.concat([
    PNG_SIGNATURE,
    pngChunk('IHDR', header),
    ...chunks,
    pixels,
    pngChunk('IEND', new Uint8Array()),
  ]);
}
const palette = (colours: readonly number[]) => pngChunk('PLTE', Uint8Array.from(colours));

describe('reading class ids', () => {
  it('reads back what encodeMaskPng writes', async () => {
    expect(await readMaskPng(file('written.png', encodeMaskPng(mask)))).toEqual(mask);
  });

  it('does not let ancillary chunks touch them', async () => {
    const text = (words: string) => new TextEncoder().encode(words);
    const extra = [
      pngChunk('gAMA', Uint8Array.of(0, 0, 0x20, 0)),
      pngChunk('cHRM', new Uint8Array(32).fill(1)),
      pngChunk('iCCP', Uint8Array.of(...text('x'), 0, 0, ...deflateSync(text('no profile at all')))),
      pngChunk('tEXt', text('Software\0a painter')),
    ];
    const chunks = [...readPngChunks(encodeMaskPng(mask))].map(({ type, data }) => pngChunk(type, data));
    const transparent = pngChunk('tRNS', new Uint8Array(19).fill(0));
    const bytes = Buffer.concat([PNG_SIGNATURE, chunks[0]!, ...extra, chunks[1]!, transparent, ...chunks.slice(2)]);
    expect((await readMaskPng(file('chunks.png', bytes))).values).toEqual(labels);
  });

  it.each([1, 2, 4, 8])('takes palettes of %i bits a pixel', async (depth) => {
    const samples = Array.from({ length: 21 }, (_, i) => i % Math.min(2 ** depth, 19));
    const bytes = png(samples, 7, depth, 3, [palette(classPalette.slice(0, 3 * Math.min(2 ** depth, 19)))]);
    expect([...(await readMaskPng(file(`depth${depth}.png`, bytes))).values]).toEqual(samples);
  });

  it('goes by colour where an editor has sorted the palette anew, by index where the colours are others', async () => {
    const sorted = png([0, 1, 1, 0], 2, 8, 3, [palette([204, 0, 0, 0, 0, 204])]);
    expect([...(await readMaskPng(file('sorted.png', sorted))).values]).toEqual([1, 13, 13, 1]);
    const other = png([0, 1, 1, 0], 2, 8, 3, [palette([10, 20, 30, 40, 50, 60])]);
    expect([...(await readMaskPng(file('other.png', other))).values]).toEqual([0, 1, 1, 0]);
  });

  it('takes grey values as ids, and colours of the classes', async () => {
    const grey = png([...labels], 19, 8, 0, []);
    expect((await readMaskPng(file('grey.png', grey))).values).toEqual(labels);
    const rgb = Uint8Array.from([...labels].flatMap((label) => FACE_CLASSES[label]!.rgb));
    const raw = { width: 19, height: 4, channels: 3 } as const;
    const coloured = await sharp(rgb, { raw }).png({ palette: false }).toBuffer();
    expect((await readMaskPng(file('rgb.png', coloured))).values).toEqual(labels);
  });

  it('reads interlaced pictures', async () => {
    const raw = { width: 19, height: 4, channels: 1 } as const;
    const bytes = await sharp(labels, { raw })
      .toColourspace('b-w')
      .png({ progressive: true, palette: false })
      .toBuffer();
    expect((await readMaskPng(file('interlaced.png', bytes))).values).toEqual(labels);
  });
});

describe('bad masks name the file, the place and what was wanted', () => {
  it('a class out of range', async () => {
    const bytes = png([0, 1, 2, 19, 0, 0], 3, 8, 0, []);
    await expect(readMaskPng(file('range.png', bytes))).rejects.toThrow(
      /range\.png: class 19 at row 1, column 0; 0 to 18 .*; replace the file/,
    );
  });

  it('a colour of no class', async () => {
    const raw = { width: 2, height: 1, channels: 3 } as const;
    const bytes = await sharp(Uint8Array.of(0, 0, 0, 1, 2, 3), { raw })
      .png({ palette: false })
      .toBuffer();
    await expect(readMaskPng(file('colour.png', bytes))).rejects.toThrow(/colour \(1, 2, 3\) at row 0, column 1/);
  });

  it('half a file, no PNG, no file', async () => {
    const whole = encodeMaskPng(mask);
    await expect(readMaskPng(file('half.png', whole.subarray(0, whole.length - 20)))).rejects.toThrow(/ends early/);
    await expect(readMaskPng(file('text.png', new TextEncoder().encode('hello')))).rejects.toThrow(/is no PNG file/);
    await expect(readMaskPng(join(folder, 'none.png'))).rejects.toThrow(/none\.png: no such mask/);
  });
});
