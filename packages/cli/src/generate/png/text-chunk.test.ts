import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { readChunks } from './chunks.js';
import { decodeRgb, encodeRgb } from './rgb.js';
import { textOf, withText } from './text-chunk.js';

const image = { values: Uint8Array.from({ length: 5 * 4 * 3 }, (_, i) => i * 4), height: 4, width: 5, channels: 3 };
const file = encodeRgb(image);

describe('text in a PNG file', () => {
  it('is read again, and the pixels stay', () => {
    const marked = withText(withText(file, 'Title', 'one'), 'codiff', '{"a": 1}');
    expect(textOf(marked, 'codiff')).toBe('{"a": 1}');
    expect(textOf(marked, 'Title')).toBe('one');
    expect(textOf(marked, 'other')).toBeUndefined();
    // pngjs compares every checksum.
    expect(PNG.sync.read(Buffer.from(marked), { checkCRC: true }).width).toBe(5);
    expect(decodeRgb(marked)).toEqual(image);
    expect([...readChunks(marked)].map(({ type }) => type)).toEqual(['IHDR', 'tEXt', 'tEXt', 'IDAT', 'IEND']);
  });

  it('refuses what such a chunk cannot hold', () => {
    expect(() => withText(file, 'codiff', 'é')).toThrow(/ASCII/);
    expect(() => withText(file, 'codiff', 'a\0b')).toThrow(/ASCII/);
    expect(() => withText(file, ' codiff', 'a')).toThrow(/no keyword/);
    expect(() => withText(file, 'a'.repeat(80), 'a')).toThrow(/no keyword/);
    expect(() => withText(new Uint8Array(20), 'codiff', 'a')).toThrow(/does not start as a PNG/);
  });

  it('of a file that is cut off is read as far as it goes', () => {
    const marked = withText(file, 'codiff', 'whole');
    expect(textOf(marked.subarray(0, -20), 'codiff')).toBe('whole');
    expect(textOf(marked.subarray(0, 40), 'codiff')).toBeUndefined();
  });
});
