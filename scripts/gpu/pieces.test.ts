import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checksums, joinPieces, pieceName, splitInto } from './pieces.mjs';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'codiff-pieces-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function* chunks(...parts: (string | Uint8Array)[]) {
  for (const part of parts) yield Buffer.from(part as string);
}
async function whole(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}
const bytesFrom = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 31) & 255);

describe('splitInto', () => {
  it('cuts across chunks, names pieces in order, and hashes each', async () => {
    const pieces = await splitInto(chunks('abc', 'defgh', '', 'ij'), dir, 'x.tar', 4);
    expect(pieces.map(({ file, bytes }) => [file, bytes])).toEqual([
      ['x.tar.0000', 4],
      ['x.tar.0001', 4],
      ['x.tar.0002', 2],
    ]);
    expect(readdirSync(dir).sort()).toEqual(pieces.map(({ file }) => file));
    const texts = pieces.map(({ file }) => readFileSync(join(dir, file), 'utf8'));
    expect(texts).toEqual(['abcd', 'efgh', 'ij']);
    expect(pieces.map(({ sha256 }) => sha256)).toEqual(
      texts.map((text) => createHash('sha256').update(text).digest('hex')),
    );
  });

  it('makes no empty piece at the end, and one of nothing', async () => {
    expect(await splitInto(chunks('abcdefgh'), dir, 'even', 4)).toHaveLength(2);
    expect((await splitInto(chunks(), dir, 'none', 4)).map(({ bytes }) => bytes)).toEqual([0]);
  });

  it('keeps what came before an error closed and readable, and passes the error on', async () => {
    async function* broken() {
      yield Buffer.from('abcdef');
      throw new Error('compressor ended');
    }
    await expect(splitInto(broken(), dir, 'x', 4)).rejects.toThrow('compressor ended');
    expect(statSync(join(dir, 'x.0001')).size).toBe(2);
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses pieces of %s bytes', async (limit) => {
    await expect(splitInto(chunks('a'), dir, 'x', limit)).rejects.toThrow(/whole number above 0/);
  });

  it('names sort as they are numbered', () => {
    const names = [0, 9, 10, 99, 100, 1000].map((i) => pieceName('x', i));
    expect([...names].sort()).toEqual(names);
  });
});

describe('joinPieces', () => {
  it('gives back what was split, whatever the sizes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: 40 }), { maxLength: 6 }),
        fc.integer({ min: 1, max: 50 }),
        async (lengths, limit) => {
          const parts = lengths.map(bytesFrom);
          const pieces = await splitInto(chunks(...parts), dir, 'x', limit);
          expect(await whole(joinPieces(pieces, dir))).toEqual(Buffer.concat(parts));
          expect(pieces.every(({ bytes }) => bytes <= limit)).toBe(true);
        },
      ),
      { numRuns: 30, seed: 4 },
    );
  });

  it('names a piece that was cut, altered, or never came', async () => {
    const pieces = await splitInto(chunks('abcdefgh'), dir, 'x', 4);
    truncateSync(join(dir, 'x.0001'), 3);
    await expect(whole(joinPieces(pieces, dir))).rejects.toThrow(/piece x\.0001 .* has 3 bytes .*send it again/);
    writeFileSync(join(dir, 'x.0001'), 'efgH');
    await expect(whole(joinPieces(pieces, dir))).rejects.toThrow(/piece x\.0001/);
    rmSync(join(dir, 'x.0000'));
    await expect(whole(joinPieces(pieces, dir))).rejects.toThrow(/x\.0000/);
  });
});

it('checksums are lines for sha256sum', () => {
  expect(checksums([{ file: 'x.0000', bytes: 1, sha256: 'ab' }])).toBe('ab  x.0000\n');
});
