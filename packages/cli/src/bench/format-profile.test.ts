import { expect, it } from 'vitest';
import { formatProfile } from './format-profile.js';

it('shows the kinds and the single operations that take the most, with what they move', () => {
  const op = (where: string, name: string, ms: number, mib: number) => ({
    ...{ where, op: name, node: `n${ms}`, seconds: ms / 1000, bytes: mib * 2 ** 20 },
  });
  const many = Array.from({ length: 12 }, (_, i) => op(`layer.${i}`, 'Mul', 1, 2));
  const text = formatProfile('unet float32', [op('block.conv', 'Conv2D', 24, 10), op('', 'Cast', 4, 1), ...many]);
  const lines = text.split('\n');
  expect(lines[0]).toBe('unet float32: 14 operations, 40.0 ms in all, some of them at the same time');
  expect(lines.slice(2, 6).map((line) => line.split(/ {2,}/))).toEqual([
    ['operation', 'count', 'ms', '%', 'MiB moved', 'GB/s'],
    ['Conv2D', '1', '24.00', '60.0', '10.0', '0.4'],
    ['Mul', '12', '12.00', '30.0', '24.0', '2.1'],
    ['Cast', '1', '4.00', '10.0', '1.0', '0.3'],
  ]);
  const single = lines.slice(8);
  expect(single).toHaveLength(10);
  expect(single[0]).toMatch(/^block\.conv +Conv2D +24\.00/);
  // Without a name of the model's, the graph's.
  expect(single[1]).toMatch(/^n4 +Cast/);
});
