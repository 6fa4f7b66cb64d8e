import { expect, it } from 'vitest';
import { hashText } from './hash.js';

it('hashes every unit, in order, from a given start', () => {
  const texts = ['', 'a', 'b', 'ab', 'ba', 'a.weight', 'a.bias', 'é', 'ｅ', 'e', '0', '1', '10', '01'];
  expect(new Set(texts.map((text) => hashText(text))).size).toBe(texts.length);
  expect(hashText('a', 1)).not.toBe(hashText('a', 2));
  expect(hashText('a')).toBe(hashText('a'));
});

it('spreads similar texts over all 32 bits', () => {
  const hashes = Array.from({ length: 4096 }, (_, i) => hashText(`input_blocks.${i}.weight`));
  for (let bit = 0; bit < 32; bit++) {
    const share = hashes.filter((hash) => (hash >>> bit) & 1).length / hashes.length;
    expect(Math.abs(share - 0.5)).toBeLessThan(0.05);
  }
});
