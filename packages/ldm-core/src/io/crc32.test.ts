import { expect, it } from 'vitest';
import { nodeCrc32 } from '../node/open-checkpoint-file.js';
import { crc32 } from './crc32.js';

it('gives the check value of the standard', () => {
  expect(crc32(new TextEncoder().encode('123456789'), 0)).toBe(0xcbf43926);
});

it("equals Node's own for every length around a step, in one piece and in two", () => {
  const bytes = Uint8Array.from({ length: 70 }, (_, i) => (i * 37 + 11) & 255);
  for (let length = 0; length <= bytes.length; length++) {
    const part = bytes.subarray(0, length);
    expect(crc32(part, 0)).toBe(nodeCrc32(part, 0));
    expect(crc32(bytes.subarray(length), crc32(part, 0))).toBe(nodeCrc32(bytes, 0));
  }
});
