import { describe, expect, it } from 'vitest';
import type { ByteImage } from '../images/image.js';
import { contactSheet } from './contact-sheet.js';
import { LETTER, letterDot } from './pixel-font.js';

const grey = (level: number, side = 40): ByteImage => ({
  values: new Uint8Array(side * side * 3).fill(level),
  height: side,
  width: side,
  channels: 3,
});
const letter = (char: string): string[] =>
  Array.from({ length: LETTER.height }, (_, y) =>
    Array.from({ length: LETTER.width }, (_, x) => (letterDot(char, x, y) ? '#' : '.')).join(''),
  );
const pixel = ({ values, width }: ByteImage, x: number, y: number) => values[(y * width + x) * 3];

describe('letters', () => {
  it('are drawn by dots', () => {
    expect(letter('4')).toEqual(['...#.', '..##.', '.#.#.', '#..#.', '#####', '...#.', '...#.', '.....']);
    expect(letter('g')).toEqual(['.....', '.....', '.####', '#...#', '#...#', '.####', '....#', '.###.']);
    expect(letter('é')).toEqual(letter('e'));
    expect(letter('字')[0]).toBe('#####');
  });

  it('are all there, and each looks like no other', () => {
    const printable = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i));
    expect(new Set(printable.map((char) => letter(char).join('\n'))).size).toBe(94);
    for (const char of printable) expect(letter(char)).not.toEqual(letter('字'));
  });
});

describe('a contact sheet', () => {
  it('has pictures in rows, a label below each, a title above', () => {
    const sheet = contactSheet({
      title: 'A',
      rows: [
        [
          { image: grey(10), label: 'input' },
          { image: grey(20), label: '' },
        ],
        [{ image: grey(30), label: 'x' }],
      ],
    });
    expect([sheet.width, sheet.height]).toEqual([2 * 48 + 8, 18 + 2 * (40 + 2 + 10 + 8)]);
    expect([pixel(sheet, 8, 18), pixel(sheet, 56, 57), pixel(sheet, 8, 78)]).toEqual([10, 20, 30]);
    expect(pixel(sheet, 56, 78)).toBe(255);
    // The title's A: its bar is the fifth row.
    expect([8, 9, 10, 11, 12, 13].map((x) => pixel(sheet, x, 12))).toEqual([32, 32, 32, 32, 32, 255]);
    const below = sheet.values.subarray(60 * sheet.width * 3, 67 * sheet.width * 3);
    expect(below.includes(32)).toBe(true);
  });

  it('frames its pictures, so that a white one is seen', () => {
    const white = grey(255);
    const row = [
      { image: white, label: '' },
      { image: white, label: '' },
    ];
    const sheet = contactSheet({ title: '', rows: [row] });
    // Around 8..47 and 56..95, and nowhere else.
    const across = Array.from({ length: sheet.width }, (_, x) => pixel(sheet, x, 20));
    expect(across.flatMap((level, x) => (level === 255 ? [] : [x]))).toEqual([7, 48, 55, 96]);
    const down = Array.from({ length: sheet.height }, (_, y) => pixel(sheet, 20, y));
    expect(down.flatMap((level, y) => (level === 255 ? [] : [y]))).toEqual([7, 48]);
    expect(new Set([...across, ...down])).toEqual(new Set([255, 176]));
  });

  it('breaks its title, cuts labels, and writes larger under larger pictures', () => {
    const cell = { image: grey(0), label: 'longer than its picture' };
    const one = contactSheet({ title: '', rows: [[cell]] });
    const two = contactSheet({ title: 'two words', rows: [[cell]] });
    expect(two.height - one.height).toBe(20);
    const large = contactSheet({ title: '', rows: [[{ image: grey(0, 192), label: 'x' }]] });
    expect(large.height).toBe(8 + 192 + 4 + 20 + 8);
  });

  it('refuses nothing, and pictures of two sizes', () => {
    expect(() => contactSheet({ title: 'x', rows: [[]] })).toThrow(/no picture/);
    const rows = [[{ image: grey(0), label: 'a' }], [{ image: grey(0, 41), label: 'b' }]];
    expect(() => contactSheet({ title: '', rows })).toThrow(/'b' is 41x41 of 3 channels; wanted 40x40 of 3/);
  });
});
